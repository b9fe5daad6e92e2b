"""What a group costs does not depend on how many commands it has: the same statements, however many."""

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg import Cursor

from adapters.postgres.log import PostgresLog
from application.command import Command
from domain.measurement import MeasurementRecorded
from domain.partition import name_of
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

SIZES = [1, 10, 200]

sent: list[str] = []


class CountingCursor(Cursor[Any]):
    def execute(self, query: Any, *arguments: Any, **options: Any) -> Any:
        sent.append(str(query))
        return super().execute(query, *arguments, **options)

    def executemany(self, query: Any, params_seq: Iterable[Any], *, returning: bool = False) -> None:
        each = list(params_seq)
        sent.extend([str(query)] * len(each))
        super().executemany(query, each, returning=returning)

    def copy(self, statement: Any, params: Any = None, *, writer: Any = None) -> Any:
        sent.append(str(statement))
        return super().copy(statement, params, writer=writer)


@pytest.fixture
def world(shared_database: str) -> Iterator[World]:
    log = PostgresLog(
        lambda name: psycopg.connect(shared_database, application_name=name, cursor_factory=CountingCursor)
    )
    yield World(log)
    log.close()


def statements(world: World, group: list[Command]) -> int:
    """How many were sent for the group, all of which is accepted."""
    sent.clear()
    answers = world.processor.run(group, oldest_waits=False)
    assert len(group) == len(answers)
    for answer in answers.values():
        assert isinstance(answer, list)
        assert all(isinstance(outcome, str) for outcome in answer)
    return len(sent)


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


def something_of_everything(world: World, size: int) -> list[Command]:
    sorts = (weights_that_revise, users_and_institutions, groups_of_children, children_that_are_removed)
    return [command for sort in sorts for command in sort(world, size)]


@pytest.mark.parametrize(
    "mix",
    [
        weights,
        weights_that_revise,
        weights_of_many_children,
        weights_in_one_array,
        body_fats_that_are_removed,
        users_and_institutions,
        groups_of_children,
        children_that_are_removed,
        something_of_everything,
    ],
)
def test_the_number_of_statements_of_a_group_does_not_depend_on_its_size(
    world: World, mix: Callable[[World, int], list[Command]]
) -> None:
    counts = []
    for size in SIZES:
        world.child = world.registered("child").id
        counts.append(statements(world, mix(world, size)))
    assert [counts[0]] * len(SIZES) == counts
    assert counts[0] <= 20
