"""Batches of any number of commands of one kind; what they need to be accepted is stored before."""

from collections.abc import Callable
from datetime import timedelta

from application.command import Actor, Command
from application.commands.revise_group import GroupChange
from application.commands.revise_outcome import OutcomeChange
from domain.measurement import MeasurementRecorded
from domain.partition import name_of
from tests.application.world import World
from tests.example_commands import (
    body_fat_reading,
    change_password,
    create_outcomes,
    disband_group,
    entry,
    form_group,
    group_change,
    link_child,
    new_group,
    new_institution,
    new_user,
    reading,
    record_entries,
    register_institution,
    register_user,
    remove_institution,
    remove_measurement,
    remove_user,
    revise_group,
    revise_outcome,
    unlink_child,
)
from tests.examples import NOON, definition, new_id


def weights(world: World, size: int) -> list[Command]:
    return [world.weigh(NOON + timedelta(minutes=minute), companion_value=20.1) for minute in range(size)]


def weights_that_revise(world: World, size: int) -> list[Command]:
    world.run(*(world.record(body_fat_reading(taken_at=NOON + timedelta(minutes=minute))) for minute in range(size)))
    return weights(world, size)


def weights_of_many_children(world: World, size: int) -> list[Command]:
    commands: list[Command] = []
    for _ in range(size):
        world.child = world.registered("child").id
        commands.append(world.weigh(companion_value=20.1))
    return commands


def weights_in_one_array(world: World, size: int) -> list[Command]:
    readings = (reading(taken_at=NOON + timedelta(minutes=minute), companion_value=20.1) for minute in range(size))
    return [world.record(*readings)]


def body_fats_that_are_removed(world: World, size: int) -> list[Command]:
    world.run(*weights(world, size))
    body_fats = [event for event in world.events() if isinstance(event, MeasurementRecorded) and event.carrier]
    ids = (name_of(body_fat.originator_id) for body_fat in body_fats)
    return [
        remove_measurement(actor=world.application, child_id=world.child, kind="body_fat", measurement_id=id)
        for id in ids
    ]


def users_and_institutions(world: World, size: int) -> list[Command]:
    commands: list[Command] = []
    for _ in range(size):
        user = new_user(role="family", username=new_id(), institution_id=None, children=(world.child,))
        commands.append(register_user(actor=world.admin, user=user))
        commands.append(register_institution(actor=world.admin, institution=new_institution(name=new_id())))
    return commands


def groups_of_children(world: World, size: int) -> list[Command]:
    owner = world.registered("educator")
    groups = (new_group(name=new_id(), children=(world.child,)) for _ in range(size))
    return [form_group(actor=owner, group=group) for group in groups]


def children_that_are_removed(world: World, size: int) -> list[Command]:
    return [remove_user(actor=world.admin, user_id=world.registered("child").id) for _ in range(size)]


def institutions_that_are_removed(world: World, size: int) -> list[Command]:
    """Each command follows the removal of the last user."""
    commands: list[Command] = []
    for _ in range(size):
        school = world.accepted(register_institution(actor=world.admin, institution=new_institution(name=new_id())))
        child = world.registered("child", institution_id=school)
        commands.append(remove_user(actor=world.admin, user_id=child.id))
        commands.append(remove_institution(actor=world.admin, institution_id=school))
    return commands


def passwords(world: World, size: int) -> list[Command]:
    return [change_password(actor=world.registered("child")) for _ in range(size)]


def ties_made_and_undone(world: World, size: int) -> list[Command]:
    commands: list[Command] = []
    for _ in range(size):
        family, other = (world.registered("family", children=children).id for children in ((world.child,), ()))
        commands.append(unlink_child(actor=world.admin, family_id=family, child_id=world.child))
        commands.append(link_child(actor=world.admin, family_id=other, child_id=world.child))
    return commands


def groups_of(world: World, owner: Actor, size: int) -> list[str]:
    groups = (new_group(name=new_id(), children=(world.child,)) for _ in range(size))
    return [world.accepted(form_group(actor=owner, group=group)) for group in groups]


def groups_that_are_revised(world: World, size: int) -> list[Command]:
    owner, child = world.registered("educator"), world.registered("child").id
    return [
        revise_group(actor=owner, group_id=id, change=group_change(name=new_id(), children=(child, world.child)))
        for id in groups_of(world, owner, size)
    ]


def groups_that_are_renamed(world: World, size: int) -> list[Command]:
    """The children that stay are looked up after the groups are loaded."""
    owner = world.registered("educator")
    return [
        revise_group(actor=owner, group_id=id, change=GroupChange(name=new_id()))
        for id in groups_of(world, owner, size)
    ]


def groups_that_are_disbanded(world: World, size: int) -> list[Command]:
    owner = world.registered("educator")
    return [disband_group(actor=owner, group_id=id) for id in groups_of(world, owner, size)]


def outcomes_of(world: World, *brands: str) -> list[str]:
    """The ids of new outcomes, each of another brand."""
    said = [definition(brand_id=brand_id) for brand_id in brands]
    (answer,) = world.run(create_outcomes(actor=world.admin, definitions=said))
    return [id for id in answer if isinstance(id, str)] if isinstance(answer, list) else []


def outcomes_that_are_created(world: World, size: int) -> list[Command]:
    return [create_outcomes(actor=world.admin, definitions=[definition(brand_id=new_id())]) for _ in range(size)]


def outcomes_that_are_renamed(world: World, size: int) -> list[Command]:
    change = OutcomeChange(name="another")
    return [
        revise_outcome(actor=world.admin, outcome_id=id, change=change)
        for id in outcomes_of(world, *(new_id() for _ in range(size)))
    ]


def entries(world: World, size: int) -> list[Command]:
    """Entries of one outcome and many subjects, one by one and in an array."""
    brand_id = new_id()
    (outcome_id,) = outcomes_of(world, brand_id)
    said = [entry(outcome_id=outcome_id, brand_id=brand_id, subject_id=new_id()) for _ in range(2 * size)]
    single = [record_entries(actor=world.application, outcome_id=outcome_id, entries=[each]) for each in said[:size]]
    return [*single, record_entries(actor=world.application, outcome_id=outcome_id, entries=said[size:])]


def something_of_everything(world: World, size: int) -> list[Command]:
    sorts = (
        weights_that_revise,
        users_and_institutions,
        groups_of_children,
        children_that_are_removed,
        institutions_that_are_removed,
        passwords,
        ties_made_and_undone,
        groups_that_are_revised,
        groups_that_are_disbanded,
        outcomes_that_are_created,
        outcomes_that_are_renamed,
        entries,
    )
    return [command for sort in sorts for command in sort(world, size)]


MIXES: tuple[Callable[[World, int], list[Command]], ...] = (
    weights,
    weights_that_revise,
    weights_of_many_children,
    weights_in_one_array,
    body_fats_that_are_removed,
    users_and_institutions,
    groups_of_children,
    children_that_are_removed,
    institutions_that_are_removed,
    passwords,
    ties_made_and_undone,
    groups_that_are_revised,
    groups_that_are_renamed,
    groups_that_are_disbanded,
    outcomes_that_are_created,
    outcomes_that_are_renamed,
    entries,
    something_of_everything,
)
