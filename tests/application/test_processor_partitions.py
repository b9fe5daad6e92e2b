"""Commands whose partitions are held are left out; within a partition commands run in order."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from adapters.postgres import event_store as postgres
from application.command import Command, Fault
from application.ports import PartitionsHeld
from application.processor import _runnable
from domain.partition import ACCOUNTS, partition
from tests.application.conftest import AnyLog, Hold
from tests.application.world import World, id_apart
from tests.conftest import PARTITIONS
from tests.example_commands import reading, remove_user
from tests.fakes import FakeLog

parts = st.frozensets(st.integers(0, 4), min_size=1, max_size=3)


@given(st.lists(parts, max_size=8), st.frozensets(st.integers(0, 4)))
def test_a_command_runs_if_its_partitions_are_locked_and_no_older_one_needs_them(
    wanted: list[frozenset[int]], locked: frozenset[int]
) -> None:
    taken = _runnable(wanted, locked)
    assert taken == sorted(set(taken)), "in the order in which they came, each once"
    for place, its_parts in enumerate(wanted):
        passed_over = [wanted[before] for before in range(place) if before not in taken]
        stands_in_its_way = not its_parts <= locked or any(its_parts & others for others in passed_over)
        assert stands_in_its_way == (place not in taken)


@given(st.lists(parts, max_size=8))
def test_every_command_runs_if_all_partitions_are_locked(wanted: list[frozenset[int]]) -> None:
    assert list(range(len(wanted))) == _runnable(wanted, frozenset(range(5)))


@pytest.fixture(autouse=True)
def short_lock_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sessions wait only 50 ms for a lock."""
    monkeypatch.setattr(postgres, "SESSION", {**postgres.SESSION, "lock_timeout": "50ms"})


@pytest.fixture
def world(log: AnyLog) -> World:
    return World(log)


def weights(world: World, *children: str) -> list[Command]:
    return [replace(world.weigh(), child_id=child_id, readings=[]) for child_id in children]


def test_commands_whose_partitions_another_writer_holds_are_left_out(world: World, held_elsewhere: Hold) -> None:
    here = id_apart(world.log)
    there = id_apart(world.log, partition(here, world.log.partitions))
    batch = [remove_user(actor=world.admin, user_id=there), *weights(world, there, here, there, here)]
    with held_elsewhere({partition(there, world.log.partitions)}):
        answers = world.processor.run(batch, oldest_waits=False)
    assert {2, 4} == set(answers)
    assert set(range(5)) == set(world.processor.run(batch, oldest_waits=False))


def test_a_command_that_waits_for_two_partitions_is_not_overtaken_in_either(world: World, held_elsewhere: Hold) -> None:
    child = id_apart(world.log)
    removal = remove_user(actor=world.admin, user_id=child)
    with held_elsewhere({partition(ACCOUNTS, world.log.partitions)}):
        assert {} == world.processor.run([removal, *weights(world, child)], oldest_waits=False)


def test_the_oldest_command_has_a_result_if_it_waits(world: World, held_elsewhere: Hold) -> None:
    here = id_apart(world.log)
    there = id_apart(world.log, partition(here, world.log.partitions))
    with held_elsewhere({partition(there, world.log.partitions)}):
        answers = world.processor.run(weights(world, here, there), oldest_waits=True)
    assert {0} == set(answers)


def test_only_the_oldest_command_fails_if_its_partitions_stay_locked(world: World, held_elsewhere: Hold) -> None:
    here = id_apart(world.log)
    there = id_apart(world.log, partition(here, world.log.partitions))
    with held_elsewhere({partition(there, world.log.partitions)}):
        answers = world.processor.run(weights(world, there, here), oldest_waits=True)
    assert {0: PartitionsHeld} == {place: type(answer) for place, answer in answers.items()}


def test_a_partition_that_is_waited_for_in_vain_is_waited_for_once_in_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else each of the commands that need it would wait as long, where one command of the batch is refused."""
    log = FakeLog(PARTITIONS)
    world = World(log)
    here = world.child
    there = world.child_apart(partition(here, PARTITIONS))
    refused = replace(world.record(reading()), request_id="0" * 24)
    log.refused.add(refused.request_id)
    waited: list[frozenset[int]] = []
    begin = log.begin

    def begin_and_hold(wait_for: frozenset[int], if_free: frozenset[int]) -> Any:
        """The other partition is taken when the first batch has begun."""
        if wait_for & log.locked_elsewhere:
            waited.append(wait_for)
        known = begin(wait_for, if_free)
        log.locked_elsewhere = {partition(there, PARTITIONS)}
        return known

    monkeypatch.setattr(log, "begin", begin_and_hold)
    answers = world.processor.run([refused, *weights(world, *[there] * 20, here)], oldest_waits=False)
    assert 1 == len(waited)
    assert [Fault, *[PartitionsHeld] * 20, list] == [type(answers[index]) for index in range(22)]
