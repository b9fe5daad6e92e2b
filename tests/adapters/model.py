"""What should be in a log after the answers that were given: random groups of commands, and what they should answer."""

import random
from collections.abc import Iterable
from datetime import timedelta
from itertools import count, groupby

from application.command import Command, CommandResult
from application.ports import LogUnavailable
from domain import measurement
from domain.event import Event
from domain.measurement import MeasurementRecorded
from domain.partition import name_of
from domain.refusal import AlreadyRegistered
from domain.user import UserRegistered
from tests.adapters.world import NOON, World

Place = tuple[str, int]
"""A child, and minutes after noon."""


class Model:
    """`there` are the ids of the weights that should be there; `recorded` and `registered` all ids ever answered."""

    def __init__(self, world: World, seed: int, children: int = 3) -> None:
        self.there: dict[Place, str] = {}
        self.recorded: list[str] = []
        self._world, self._children = world, world.children(children)
        self.registered = [world.admin.id, world.application.id, *self._children]
        self._random, self._minutes = random.Random(seed), count()

    def run_group(self) -> None:
        """New weights, known ones, a removal, a new user. AssertionError where an answer is wrong."""
        known = self._random.sample(sorted(self.there), k=min(2, len(self.there)))
        asked: list[tuple[str, Place, Command]] = [
            *(("new", place, self._weight(place)) for place in self._places()),
            *(("known", place, self._weight(place)) for place in known),
            *(("removal", place, self._world.remove(place[0], self.there[place])) for place in known[:1]),
            ("user", ("", 0), self._world.register("child")),
        ]
        answers = self._world.run(*(command for *_, command in asked))
        for (sort, place, _), answer in zip(asked, answers, strict=True):
            self._take(sort, place, answer)

    def _take(self, sort: str, place: Place, answer: CommandResult | LogUnavailable) -> None:
        match sort, answer:
            case "new", [str(id)]:
                self.there[place] = id
                self.recorded.append(id)
            case "user", [str(id)]:
                self.registered.append(id)
            case "removal", [str()]:
                del self.there[place]
            case "known", [AlreadyRegistered()]:
                pass
            case _:
                raise AssertionError(f"{sort}: {answer!r}")

    def _places(self) -> list[Place]:
        return [(self._random.choice(self._children), next(self._minutes)) for _ in range(self._random.randint(1, 4))]

    def _weight(self, place: Place) -> Command:
        child, minute = place
        return self._world.weights(child, [minute], body_fat=self._random.choice([None, 20.0]))

    def check(self, events: Iterable[Event]) -> None:
        """AssertionError where the log, these events, is not what was answered."""
        events = list(events)
        first = [event for event in events if isinstance(event, MeasurementRecorded) and event.originator_version == 1]
        weights = [name_of(event.originator_id) for event in first if event.kind == "weight"]
        assert sorted(self.recorded) == sorted(weights)
        assert sorted(self.registered) == sorted(event.user_id for event in events if isinstance(event, UserRegistered))
        assert self.there == dict(_weights_there(events))


def _weights_there(events: Iterable[Event]) -> Iterable[tuple[Place, str]]:
    streams = groupby(
        sorted(events, key=lambda event: (event.originator_id, event.originator_version)),
        key=lambda event: event.originator_id,
    )
    for _, history in streams:
        state = measurement.fold(history)
        if state is not None and state.kind == "weight":
            yield (state.child_id, (state.taken_at - NOON) // timedelta(minutes=1)), name_of(state.stream)
