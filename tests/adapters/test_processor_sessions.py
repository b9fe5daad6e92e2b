"""Several writers on one log: a writer skips locked partitions, and waits for them only for the oldest command."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from adapters.postgres.event_store import PostgresEventStore
from application.command import CommandResult, ItemResult
from application.ports import LogUnavailable
from domain.partition import partition
from domain.refusal import AlreadyRegistered
from projections.inline.batch_state import InlineBatchState
from tests.adapters.world import World
from tests.conftest import PARTITIONS

Connect = Callable[[str], psycopg.Connection[Any]]

LOCK_TIMEOUT = 2.0
"""Seconds that a session waits for heads."""


class PausingLog(PostgresEventStore):
    """Waits at the commit until it is told to go on."""

    def __init__(self, connect: Connect) -> None:
        super().__init__(connect)
        self.at_commit, self.go_on = threading.Event(), threading.Event()

    def commit(self, known: InlineBatchState) -> None:
        self.at_commit.set()
        self.go_on.wait(10)
        super().commit(known)


def items(answer: CommandResult | LogUnavailable) -> list[ItemResult]:
    assert isinstance(answer, list), answer
    return answer


def part_of(child: str) -> int:
    return partition(child, PARTITIONS)


@pytest.fixture
def apart(world: World) -> tuple[str, str]:
    """Two children, whose partitions are neither each other's nor the accounts'."""
    one, other = world.children_apart(2)
    return one, other


@contextmanager
def held(connect: Connect, *keys: str) -> Iterator[psycopg.Connection[Any]]:
    """Another session holds the heads of these partitions until the block ends, or it rolls back."""
    with connect("holder") as connection:
        parts = [part_of(key) for key in keys]
        connection.execute("select part from heads where part = any (%s) order by part for update", [parts])
        yield connection


@contextmanager
def elsewhere(connect: Connect, world: World, log: type[PostgresEventStore] = PostgresEventStore) -> Iterator[World]:
    """The same world through a session of its own."""
    other = world.reopened(log(connect))
    try:
        yield other
    finally:
        other.log.close()


def test_commands_whose_partitions_are_held_are_left_for_later_and_block_nobody(
    world: World, connect: Connect, apart: tuple[str, str]
) -> None:
    one, other = apart
    commands = [world.weights(one, [0]), world.weights(other, [0]), world.weights(one, [1]), world.weights(other, [1])]
    with held(connect, one):
        began = time.monotonic()
        assert {1, 3} == set(world.processor.run(commands, oldest_waits=False))
        assert time.monotonic() - began < LOCK_TIMEOUT / 2
    assert {0, 1, 2, 3} == set(world.processor.run(commands, oldest_waits=False))


def test_a_command_takes_all_of_its_partitions_or_none_and_nobody_overtakes_it(
    world: World, connect: Connect, apart: tuple[str, str]
) -> None:
    one, other = apart
    removal, of_the_accounts = world.remove_user(one), world.register("child")
    with held(connect, one):
        commands = [removal, of_the_accounts, world.weights(other, [0])]
        assert {2} == set(world.processor.run(commands, oldest_waits=False))
        assert {0} == set(world.processor.run([of_the_accounts], oldest_waits=False))


def test_the_oldest_waits_until_its_partition_is_free(world: World, connect: Connect, apart: tuple[str, str]) -> None:
    one, other = apart
    commands = [world.weights(one, [0]), world.weights(other, [0])]
    with ThreadPoolExecutor(1) as threads, held(connect, one) as holder:
        waiting = threads.submit(world.processor.run, commands, oldest_waits=True)
        time.sleep(0.3)
        assert not waiting.done()
        holder.rollback()
        answers = waiting.result(LOCK_TIMEOUT)
    assert [[str], [str]] == [[type(outcome) for outcome in items(answers[place])] for place in (0, 1)]


def test_a_command_that_waited_for_a_partition_sees_events_stored_meanwhile(
    world: World, connect: Connect, apart: tuple[str, str]
) -> None:
    command = world.weights(apart[0], [0])
    with elsewhere(connect, world, PausingLog) as first, ThreadPoolExecutor(2) as threads:
        assert isinstance(first.log, PausingLog)
        storing = threads.submit(first.outcome, command)
        first.log.at_commit.wait(10)
        waiting = threads.submit(world.outcome, command)
        time.sleep(0.2)
        assert not waiting.done()
        first.log.go_on.set()
        assert isinstance(storing.result(10), str)
        assert isinstance(waiting.result(10), AlreadyRegistered)


def test_the_oldest_command_is_unavailable_if_its_partition_stays_locked(
    world: World, connect: Connect, apart: tuple[str, str]
) -> None:
    one, other = apart
    with held(connect, one):
        began = time.monotonic()
        (answer,) = world.run(world.weights(one, [0]))
        assert isinstance(answer, LogUnavailable)
        assert LOCK_TIMEOUT <= time.monotonic() - began < LOCK_TIMEOUT * 2
        assert isinstance(world.outcome(world.weights(other, [0])), str)
    assert isinstance(world.outcome(world.weights(one, [0])), str)


def test_of_equal_commands_of_two_writers_one_is_accepted(
    world: World, connect: Connect, session: psycopg.Connection[Any]
) -> None:
    children = world.children(6)
    places = [(child, minute) for child in children for minute in range(30)]
    together = threading.Barrier(2)

    def write(writer: World, seed: int) -> Counter[tuple[str, int]]:
        shuffled = random.Random(seed).sample(places, k=len(places))
        accepted: Counter[tuple[str, int]] = Counter()
        together.wait(10)
        for at in range(0, len(shuffled), 9):
            group = shuffled[at : at + 9]
            answers = writer.run(*(writer.weights(child, [minute], body_fat=20.0) for child, minute in group))
            for place, answer in zip(group, answers, strict=True):
                (outcome,) = items(answer)
                assert isinstance(outcome, str | AlreadyRegistered)
                accepted[place] += isinstance(outcome, str)
        return accepted

    with elsewhere(connect, world) as other, ThreadPoolExecutor(2) as threads:
        one, two = threads.map(write, (world, other), (1, 2))
    assert dict.fromkeys(places, 1) == one + two
    assert one.total()
    assert two.total()
    weights = "select count(*) from events where topic = 'measurement.recorded.v1'"
    assert (2 * len(places),) == session.execute(weights).fetchone()


def test_two_writers_that_meet_in_several_partitions_follow_each_other(
    world: World, connect: Connect, session: psycopg.Connection[Any]
) -> None:
    children = world.children(40)
    together = threading.Barrier(2)

    def remove(writer: World, own: list[str]) -> None:
        together.wait(10)
        for at in range(0, len(own), 5):
            answers = writer.run(*(writer.remove_user(child) for child in own[at : at + 5]))
            assert own[at : at + 5] == [outcome for answer in answers for outcome in items(answer)]

    with elsewhere(connect, world) as other, ThreadPoolExecutor(2) as threads:
        list(threads.map(remove, (world, other), (children, children[::-1])))
    for topic in ("user.removed.v1", "measurements.withdrawn.v1"):
        assert (40,) == session.execute("select count(*) from events where topic = %s", [topic]).fetchone()
