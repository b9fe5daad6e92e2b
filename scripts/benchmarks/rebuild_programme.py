"""A simulated programme, decided by the domain: children come, are measured about once a day, and leave.

The rates are constant over time, so a log that is ten times as long has ten times as many children.
"""

from collections.abc import Iterator, Sequence
from itertools import chain
from random import Random

from application.ids import uuid_of
from domain import entry, measurement
from domain.entry import Entry
from domain.event import Event, Origin
from domain.measurement import Reading
from domain.outcome import Outcome
from scripts.benchmarks.rebuild_office import NOTHING, Child, Office, Told, happened, measured_at, new_ids, there

CHILDREN = 1_000
"""Children that take part at the same time."""
LEAVE = 1 / 250
"""Share of the children that leave per day."""


class Programme:
    """Generates any number of events; the same seed gives the same events."""

    def __init__(self, seed: int = 0, children: int = CHILDREN) -> None:
        self._random = Random(seed)
        self._office = Office(self._random, children)
        self._going_on = self._happening()

    def take(self, number: int) -> Iterator[Event]:
        """The next `number` events, and the rest of the last command, in the order of recording."""
        while number > 0:
            events = next(self._going_on)
            number -= len(events)
            yield from events

    def _happening(self) -> Iterator[Sequence[Event]]:
        """The events of each command, endlessly."""
        yield from self._office.begin()
        ways = (self._weigh, self._weigh_alone, self._fat_first, self._correct, self._weigh_again, self._answer)
        of_a_hundred = (62, 6, 2, 1, 1, 28)
        while True:
            yield from self._office.day()
            for place, child in enumerate(self._office.children):
                if self._random.random() < LEAVE:
                    yield from self._office.leave(child)
                    yield from self._office.come(place)
                else:
                    (way,) = self._random.choices(ways, of_a_hundred)
                    yield from way(child)

    def _weigh(self, child: Child) -> Iterator[Sequence[Event]]:
        """A weight with a body fat."""
        origin = self._office.asked()
        child.weighed = _recorded(child, origin, self._reading(child, origin))
        yield child.weighed

    def _weigh_alone(self, child: Child) -> Iterator[Sequence[Event]]:
        origin = self._office.asked()
        child.weight += self._random.uniform(-0.2, 0.22)
        yield _recorded(child, origin, Reading(child.id, "weight", measured_at(origin), round(child.weight, 1), "kg"))

    def _fat_first(self, child: Child) -> Iterator[Sequence[Event]]:
        """A body fat, and then a weight of the same instant with another body fat, which revises the first."""
        origin = self._office.asked()
        reading = self._reading(child, origin)
        fat = _recorded(child, origin, Reading(child.id, "body_fat", reading.taken_at, 20.5, "%"))
        yield fat
        stream = fat[0].originator_id
        known = Told({measurement.key(child.id, "body_fat", reading.taken_at): stream}, {stream: fat})
        yield _recorded(child, self._office.asked(), reading, known)

    def _correct(self, child: Child) -> Iterator[Sequence[Event]]:
        """The last body fat was a mistake: it is removed, and its weight is revised."""
        if child.weighed:
            yield self._remove(child, 1)

    def _weigh_again(self, child: Child) -> Iterator[Sequence[Event]]:
        """The last weight was another child's: it is removed, and another of the same instant is recorded."""
        if child.weighed:
            reading = Reading(child.id, "weight", child.weighed[0].happened_at, round(child.weight, 1), "kg")
            yield self._remove(child, 0)
            yield _recorded(child, self._office.asked(), reading)

    def _remove(self, child: Child, which: int) -> list[Event]:
        known = Told(histories={event.originator_id: [event] for event in child.weighed})
        removed = there(measurement.fold(child.weighed[which : which + 1]))
        child.weighed = ()
        facts = measurement.remove(removed, known)
        origin = self._office.asked()
        return happened(*facts, origin=origin, cause="remove_measurement", version=known.version)

    def _reading(self, child: Child, origin: Origin) -> Reading:
        child.weight += self._random.uniform(-0.2, 0.22)
        fat = round(self._random.uniform(9, 35), 1)
        return Reading(child.id, "weight", measured_at(origin), round(child.weight, 1), "kg", fat)

    def _answer(self, child: Child) -> Iterator[Sequence[Event]]:
        """A child's answers about itself: entries of two outcomes."""
        origin = self._office.asked()
        new_id = new_ids(origin)
        outcomes = self._random.sample(self._office.outcomes, 2)
        yield list(chain.from_iterable(self._entry(child, each, origin, uuid_of(new_id())) for each in outcomes))

    def _entry(self, child: Child, outcome: Outcome, origin: Origin, entry_id: str) -> list[Event]:
        said = Entry(
            outcome.outcome_id,
            child.id,
            outcome.definition.brand_id,
            f"{self._random.randrange(10_000) / 100:.2f}",
            measured_at(origin),
            {"arm": "A"},
        )
        facts = entry.record(said, NOTHING, entry_id=entry_id)
        return happened(*facts, origin=origin, cause="record_entries")


def _recorded(child: Child, origin: Origin, reading: Reading, known: Told = NOTHING) -> list[Event]:
    facts = measurement.record(reading, known, institution_id=child.institution_id, new_id=new_ids(origin))
    return happened(*facts, origin=origin, cause="record_measurements", version=known.version)
