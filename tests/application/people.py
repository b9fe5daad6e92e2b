"""Commands at random, among the people of a world and what they have measured."""

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from application.command import Actor, Command
from domain.measurement import KINDS, Kind, Reading
from domain.refusal import NotANumber
from tests.application.model import Model
from tests.application.world import World
from tests.example_commands import (
    form_group,
    new_group,
    new_user,
    record_measurements,
    register_user,
    remove_measurement,
    remove_user,
)
from tests.examples import NOON, actor, new_id

instants = st.sampled_from([NOON + timedelta(milliseconds=number) for number in range(3)])
values = st.sampled_from([0.0, 0.1, 20.1, 70.2, 1e300])
NOT_THERE = "5a62be07de34500146d9c999"


class People:
    """Those who were ever there, in the order in which they came; the model says who still is.

    Each function draws one sort of command, with Hypothesis' `draw`. What it draws from does not depend on any id,
    since ids are new in every run.
    """

    def __init__(self, world: World) -> None:
        child = actor("child", world.child)
        self.world = world
        self.model = Model(world.admin, world.application, child)
        self.people = [world.application, child]
        self._prefix = new_id()

    @property
    def sorts(self) -> list[Any]:
        """By how often they come."""
        often = 5 * [self.recordings] + 3 * [self.removals]
        return [*often, *2 * [self.registrations, self.formations], self.removals_of_users]

    def ids(self, role: str) -> st.SearchStrategy[str]:
        """Of those who are there rather than of those who were."""
        ids = [person.id for person in self.people if person.role == role]
        there = [id for id in ids if id in self.model.users]
        return st.sampled_from(4 * there + ids + [NOT_THERE])

    def anybody(self, *roles: str) -> st.SearchStrategy[Actor]:
        people = [person for person in self.people if person.role in roles]
        return st.just(self.world.application) | st.sampled_from(people)

    def recordings(self, draw: Any) -> Command:
        child_id = draw(self.ids("child"))

        def reading(kind: Kind) -> st.SearchStrategy[Reading]:
            unit = st.sampled_from(["kg", "%", "λ"]) if kind.unit is None else st.just(kind.unit)
            return st.builds(Reading, st.just(child_id), st.just(kind.name), instants, values, unit, st.none() | values)

        item = st.one_of(*map(reading, KINDS.values()), st.builds(NotANumber, st.just("value")))
        return record_measurements(
            actor=draw(self.anybody("application", "child", "educator", "family")),
            request_id=new_id(),
            child_id=child_id,
            readings=draw(st.lists(item, max_size=4)),
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

    def registrations(self, draw: Any) -> Command:
        role = draw(st.sampled_from(["child", "educator", "family", "healthprofessional"]))
        children = tuple(draw(st.lists(self.ids("child"), max_size=2, unique=True))) if role == "family" else ()
        name = f"{self._prefix} {draw(st.integers(0, 5))}"
        user = new_user(role=role, username=name, institution_id=None, children=children)
        return register_user(actor=self.world.admin, user=user)

    def removals_of_users(self, draw: Any) -> Command:
        ids = [person.id for person in self.people]
        return remove_user(
            actor=self.world.admin, user_id=draw(st.sampled_from([NOT_THERE, self.world.admin.id, *ids[::-1]]))
        )

    def formations(self, draw: Any) -> Command:
        owners = [person for person in self.people if person.role in ("educator", "healthprofessional")]
        if not owners:
            return self.registrations(draw)
        group = new_group(
            name=draw(st.sampled_from(["a", "b"])),
            children=tuple(draw(st.lists(self.ids("child"), max_size=2, unique=True))),
        )
        return form_group(actor=draw(st.sampled_from(owners)), group=group)
