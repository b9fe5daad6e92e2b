"""The state in the result of a command is the state after that command, not after later ones."""

from typing import Any

import pytest

from application.command import Command
from application.commands.revise_group import GroupChange
from application.commands.revise_outcome import OutcomeChange
from application.queries.groups import Group
from application.queries.outcomes import OutcomeRow
from application.queries.users import User
from tests.application.conftest import AnyLog
from tests.application.world import World
from tests.example_commands import (
    create_outcomes,
    form_group,
    link_child,
    new_group,
    remove_user,
    revise_group,
    revise_outcome,
    unlink_child,
)
from tests.examples import definition, new_id


@pytest.fixture
def world(log: AnyLog) -> World:
    return World(log)


def states(world: World, *commands: Command) -> list[Any]:
    """The states in the results of commands with one item each, run as one batch."""
    answers = world.processor.run(commands, oldest_waits=True)
    found = []
    for place in range(len(commands)):
        answer = answers[place]
        assert isinstance(answer, list), answer
        found.append(answer[0])
    return found


def test_the_result_of_a_revised_outcome_is_its_state_after_that_revision(world: World) -> None:
    created = create_outcomes(actor=world.admin, definitions=(definition(brand_id=new_id(), description="0"),))
    (first,) = states(world, created)
    revisions = [
        revise_outcome(actor=world.admin, outcome_id=first.id, change=OutcomeChange(description=f"{n}"))
        for n in range(1, 4)
    ]
    shown = [first, *states(world, *revisions)]
    assert all(isinstance(row, OutcomeRow) for row in shown)
    assert ["0", "1", "2", "3"] == [row.description for row in shown]
    assert {(first.id, world.admin.id, first.created_at)} == {(row.id, row.created_by, row.created_at) for row in shown}
    assert first.created_at == first.updated_at < shown[-1].updated_at


def test_the_result_of_a_revised_group_is_its_state_after_that_revision(world: World) -> None:
    owner = world.registered("educator")
    one, two = (world.registered("child").id for _ in range(2))
    group_id = world.accepted(form_group(actor=owner, group=new_group(children=(two, one))))
    changes = [
        GroupChange(name="A"),
        GroupChange(school_class=None),
        GroupChange(children=(one,)),
        GroupChange(name="B"),
    ]
    shown = states(world, *(revise_group(actor=owner, group_id=group_id, change=change) for change in changes))
    both, formed = sorted([one, two]), new_group()
    assert [
        Group(group_id, "A", both, formed.school_class),
        Group(group_id, "A", both, None),
        Group(group_id, "A", [one], None),
        Group(group_id, "B", [one], None),
    ] == shown


def test_the_result_of_a_revised_group_has_no_removed_children(world: World) -> None:
    owner = world.registered("educator")
    one, two = (world.registered("child").id for _ in range(2))
    group_id = world.accepted(form_group(actor=owner, group=new_group(children=(two, one))))
    revision = revise_group(actor=owner, group_id=group_id, change=GroupChange(name="A"))
    _, group = states(world, remove_user(actor=world.admin, user_id=one), revision)
    assert [two] == group.children


def test_the_result_of_a_link_has_the_children_of_the_family_after_it(world: World) -> None:
    first, second, third = sorted(world.registered("child").id for _ in range(3))
    family_id = world.registered("family", children=(third,)).id

    def link(child_id: str) -> Command:
        return link_child(actor=world.admin, family_id=family_id, child_id=child_id)

    shown = states(
        world,
        link(second),
        link(second),
        unlink_child(actor=world.admin, family_id=family_id, child_id=third),
        link(first),
        remove_user(actor=world.admin, user_id=second),
        link(third),
    )
    families = [each for each in shown if isinstance(each, User)]
    assert [[second, third], [second, third], [first, second], [first, third]] == [each.children for each in families]
    assert {(family_id, "family", family_id)} == {(each.id, each.role, each.username) for each in families}
