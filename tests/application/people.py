"""Random commands of all kinds, in a world with users and measurements."""

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from application.command import Actor, Command
from domain.measurement import KINDS, Kind, Reading
from domain.refusal import NotANumber
from tests.application.account_strategies import NOT_THERE, AccountCommands
from tests.application.model import Model
from tests.application.outcome_strategies import OutcomeCommands
from tests.application.world import World
from tests.example_commands import record_measurements, remove_measurement
from tests.examples import NOON, actor, new_id

instants = st.sampled_from([NOON + timedelta(milliseconds=number) for number in range(3)])
values = st.sampled_from([0.0, 0.1, 20.1, 70.2, 1e300])


class People(AccountCommands):
    """Draws commands of all kinds."""

    def __init__(self, world: World) -> None:
        child = actor("child", world.child)
        self.world = world
        self.model = Model(world.admin, world.application, child)
        super().__init__(world.admin, self.model.accounts, [world.application, child])
        self.outcomes = OutcomeCommands(world.admin, self.model.outcomes, self.people, (world.child, "anna", "ben"))

    @property
    def sorts(self) -> list[Any]:
        often = 4 * [self.recordings, self.recordings_of_pairs]
        return [*often, *3 * [self.removals], *super().sorts, *self.outcomes.sorts]

    def take_in(self, command: Command, answer: Any) -> None:
        super().take_in(command, answer)
        self.outcomes.take_in(command, answer)

    def anybody(self, *roles: str) -> st.SearchStrategy[Actor]:
        people = [person for person in self.people if person.role in roles]
        return st.just(self.world.application) | st.sampled_from(people)

    def recordings(self, draw: Any) -> Command:
        return self.recorded(
            draw, draw(self.anybody("application", "child", "educator", "family")), draw(self.ids("child"))
        )

    def recordings_of_pairs(self, draw: Any) -> Command:
        """By actors that may have been linked to the child shortly before, or in the same batch."""
        pairs = [(owner, child_id) for owner, child_id in self.pairs if owner.role in ("educator", "family")]
        if not pairs:
            return self.recordings(draw)
        return self.recorded(draw, *draw(st.sampled_from(pairs[:-5:-1])))

    def recorded(self, draw: Any, actor: Actor, child_id: str) -> Command:
        def reading(kind: Kind) -> st.SearchStrategy[Reading]:
            unit = st.sampled_from(["kg", "%", "λ"]) if kind.unit is None else st.just(kind.unit)
            return st.builds(Reading, st.just(child_id), st.just(kind.name), instants, values, unit, st.none() | values)

        item = st.one_of(*map(reading, KINDS.values()), st.builds(NotANumber, st.just("value")))
        return record_measurements(
            actor=actor, request_id=new_id(), child_id=child_id, readings=draw(st.lists(item, max_size=4))
        )

    def removals(self, draw: Any) -> Command:
        order = [person.id for person in self.people]
        places = sorted(self.model.places.items(), key=lambda known: (order.index(known[1][0]), *known[1][1:]))
        id = draw(st.sampled_from([*(id for id, _ in places), NOT_THERE]))
        child_id, kind, _ = self.model.places.get(id, (self.world.child, "weight", NOON))
        return remove_measurement(
            actor=draw(self.anybody("application", "educator", "family")),
            child_id=draw(st.just(child_id) | self.ids("child")),
            kind=draw(st.just(kind) | st.sampled_from(list(KINDS))),
            measurement_id=id,
        )
