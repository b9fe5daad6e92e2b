"""A batch is decided in order, each command as if it were alone after those before it."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from application.command import Actor, CommandResult
from application.ports import LogUnavailable
from domain.event import Event
from domain.measurement import MeasurementRecorded, MeasurementRemoved, MeasurementRevised, MeasurementsWithdrawn
from domain.partition import name_of
from domain.refusal import (
    AlreadyRegistered,
    ChildNotRegistered,
    ChildrenNotRegistered,
    Forbidden,
    InstitutionNotRegistered,
    NotANumber,
    Refusal,
    UserGone,
)
from tests.application.conftest import AnyLog
from tests.application.world import World
from tests.example_commands import (
    body_fat_reading,
    form_group,
    new_group,
    new_institution,
    new_user,
    reading,
    register_institution,
    register_user,
    remove_measurement,
    remove_user,
)
from tests.examples import NOON, new_id

LATER = NOON + timedelta(hours=1)


@pytest.fixture
def world(log: AnyLog) -> World:
    return World(log)


def comparable(answer: CommandResult | LogUnavailable) -> Any:
    """A result with types for refusals and `id` for ids, so that results can be compared."""
    match answer:
        case list():
            return ["id" if isinstance(outcome, str) else type(outcome) for outcome in answer]
        case _:
            return type(answer)


def kinds(events: list[Event]) -> list[type[Event]]:
    return [type(event) for event in events]


def test_the_first_of_equal_commands_in_a_batch_is_accepted(world: World) -> None:
    answers = world.run(*(world.weigh() for _ in range(5)))
    assert [["id"], *[[AlreadyRegistered]] * 4] == [comparable(answer) for answer in answers]
    assert 1 == len(world.events())


def test_the_first_of_equal_items_of_a_command_is_accepted(world: World) -> None:
    (answer,) = world.run(world.record(reading(), reading(value=71.0), reading(taken_at=LATER)))
    assert ["id", AlreadyRegistered, "id"] == comparable(answer)
    assert 2 == len(world.events())


def test_equal_commands_of_later_batches_are_refused(world: World) -> None:
    assert [["id"], [AlreadyRegistered]] == [
        comparable(*world.run(world.weigh())),
        comparable(*world.run(world.weigh())),
    ]


def test_a_refused_item_does_not_undo_the_others(world: World) -> None:
    refused = NotANumber("value")
    (answer,) = world.run(world.record(reading(), refused, reading(taken_at=LATER)))
    assert isinstance(answer, list)
    assert refused is answer[1]
    assert [answer[0], answer[2]] == [name_of(event.originator_id) for event in world.events()]


def test_a_batch_without_events_stores_nothing(world: World) -> None:
    assert [[]] == world.run(world.record())
    assert [] == world.events()


def test_a_weight_revises_a_body_fat_of_an_earlier_command_of_the_batch(world: World) -> None:
    answers = world.run(world.record(body_fat_reading()), world.weigh(companion_value=19.4))
    assert [["id"], ["id"]] == [comparable(answer) for answer in answers]
    assert [MeasurementRecorded, MeasurementRecorded, MeasurementRevised] == kinds(world.events())


def test_a_weight_revises_a_body_fat_of_an_earlier_batch(world: World) -> None:
    world.run(world.record(body_fat_reading()))
    assert [["id"]] == [comparable(answer) for answer in world.run(world.weigh(companion_value=19.4))]
    assert [MeasurementRecorded, MeasurementRecorded, MeasurementRevised] == kinds(world.events())


def test_a_weight_that_is_refused_leaves_the_body_fat_as_it_was(world: World) -> None:
    world.run(world.weigh(), world.record(body_fat_reading()))
    assert [[AlreadyRegistered]] == [comparable(answer) for answer in world.run(world.weigh(companion_value=1.0))]
    assert [MeasurementRecorded, MeasurementRecorded] == kinds(world.events())


def removal(world: World, id: str, kind: str = "weight") -> Any:
    return remove_measurement(actor=world.application, child_id=world.child, kind=kind, measurement_id=id)


def test_a_key_freed_in_a_batch_can_be_taken_by_a_later_command_of_it(world: World) -> None:
    id = world.accepted(world.weigh())
    answers = world.run(world.weigh(), removal(world, id), removal(world, id), world.weigh(), world.weigh())
    assert [[AlreadyRegistered], ["id"], ["id"], ["id"], [AlreadyRegistered]] == [
        comparable(answer) for answer in answers
    ]
    assert [MeasurementRecorded, MeasurementRemoved, MeasurementRecorded] == kinds(world.events())


@pytest.mark.parametrize("in_one_batch", [True, False])
def test_a_body_fat_that_is_removed_is_taken_off_its_weight(world: World, in_one_batch: bool) -> None:
    id = world.accepted(world.record(body_fat_reading()))
    commands = [world.weigh(companion_value=19.4), removal(world, id, "body_fat")]
    for batch in [commands] if in_one_batch else [commands[:1], commands[1:]]:
        world.run(*batch)
    *_, removed, revised = world.events()
    assert isinstance(removed, MeasurementRemoved)
    assert isinstance(revised, MeasurementRevised)
    assert (None, None, "weight") == (revised.companion_value, revised.companion, revised.kind)


@pytest.mark.parametrize(("kind", "of_this_child"), [("body_fat", True), ("weight", False)])
def test_a_removal_of_another_kind_or_child_removes_nothing(world: World, kind: str, of_this_child: bool) -> None:
    id = world.accepted(world.weigh())
    other = removal(world, id, kind)
    if not of_this_child:
        other = replace(other, child_id=world.registered("child").id)
    assert [["id"]] == [comparable(answer) for answer in world.run(other)]
    assert [MeasurementRecorded] == kinds(world.events())


def test_commands_after_the_removal_of_a_child_do_not_find_it(world: World) -> None:
    removed = remove_user(actor=world.admin, user_id=world.child)
    answers = world.run(world.weigh(), removed, world.weigh(), removed)
    assert [["id"], ["id"], ChildNotRegistered, ["id"]] == [comparable(answer) for answer in answers]
    assert [MeasurementRecorded, MeasurementsWithdrawn] == kinds(world.events())


def test_commands_of_a_removed_actor_are_refused(world: World) -> None:
    answers = world.run(remove_user(actor=world.admin, user_id=world.application.id), world.weigh())
    assert [["id"], UserGone] == [comparable(answer) for answer in answers]


def test_a_group_of_children_grants_access_to_the_next_command(world: World) -> None:
    educator = world.registered("educator")
    weigh = replace(world.weigh(), actor=educator)
    formed = form_group(actor=educator, group=new_group(children=(world.child,)))
    assert [Forbidden, ["id"], ["id"]] == [comparable(answer) for answer in world.run(weigh, formed, weigh)]


@pytest.mark.parametrize("role", ["educator", "family"])
def test_a_link_to_one_child_grants_no_access_to_another(world: World, role: str) -> None:
    other = world.registered("child").id
    stranger: Actor = world.registered(role, children=(other,))
    assert [Forbidden] == [comparable(answer) for answer in world.run(replace(world.weigh(), actor=stranger))]


def test_the_first_command_of_a_batch_takes_the_name(world: World) -> None:
    name = new_id()
    user = register_user(actor=world.admin, user=new_user(username=name, institution_id=None))
    institution = register_institution(actor=world.admin, institution=new_institution(name=name))
    answers = world.run(user, institution, user, institution)
    assert [["id"], ["id"], [AlreadyRegistered], [AlreadyRegistered]] == [comparable(answer) for answer in answers]


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"institution_id": "5a62be07de34500146d9c000"}, InstitutionNotRegistered),
        ({"institution_id": None, "children": ("5a62be07de34500146d9c000",)}, ChildrenNotRegistered),
    ],
)
def test_a_user_needs_an_existing_institution_and_existing_children(
    world: World, changes: dict[str, Any], refusal: type[Refusal]
) -> None:
    user = register_user(actor=world.admin, user=new_user(username=new_id(), **changes))
    assert [[refusal]] == [comparable(answer) for answer in world.run(user)]


def test_the_ids_of_a_batch_increase_in_the_order_of_its_commands(world: World) -> None:
    answers = world.run(*(world.weigh(NOON + timedelta(minutes=minute)) for minute in range(40)))
    ids = [id for answer in answers if isinstance(answer, list) for id in answer]
    assert ids == sorted(set(map(str, ids)))
    assert ids == [name_of(event.originator_id) for event in world.events()]


def test_every_event_has_the_actor_and_the_request_of_its_command(world: World) -> None:
    first, second = world.weigh(), world.weigh(LATER, companion_value=20.1)
    world.run(first, second)
    origins = [event.origin for event in world.events()]
    assert [first.request_id, second.request_id, second.request_id] == [origin.request_id for origin in origins]
    assert {(world.application.id, "application")} == {(origin.actor_id, origin.actor_role) for origin in origins}
