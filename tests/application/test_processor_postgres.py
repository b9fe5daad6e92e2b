"""Failures that only PostgreSQL has: closed sessions, rejected lookups, a read-only database."""

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any, ClassVar

import psycopg
import pytest
from msgspec.structs import replace
from psycopg import sql

from adapters.postgres import event_store as postgres
from adapters.postgres.connections import connector
from adapters.postgres.event_store import PostgresEventStore
from application.command import Fault
from application.commands.record_measurements import RecordMeasurements
from application.commands.remove_measurement import RemoveMeasurement
from application.ports import BatchState, LogUnavailable
from domain.event import Fact
from domain.partition import partition
from tests.application.world import World
from tests.conftest import PARTITIONS
from tests.example_commands import reading
from tests.examples import NOON


class Interrupted(RecordMeasurements, frozen=True, kw_only=True):
    """Calls a function once, during its decision."""

    happens: ClassVar[list[Callable[[], object]]] = []

    def decide(self, item: Any, known: BatchState, *, new_id: Callable[[], str]) -> tuple[str, Sequence[Fact]]:
        while self.happens:
            self.happens.pop()()
        return super().decide(item, known, new_id=new_id)


@pytest.fixture
def world(database: str) -> Iterator[World]:
    log = PostgresEventStore(connector(database))
    yield World(log)
    log.close()


def end_sessions(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where application_name = 'writer' and datname = current_database()"
        )


def test_a_session_that_was_closed_between_batches_is_reopened(world: World, database: str) -> None:
    end_sessions(database)
    assert world.accepted(world.weigh())


def test_a_session_closed_during_a_decision_fails_no_command(world: World, database: str) -> None:
    Interrupted.happens.append(lambda: end_sessions(database))
    assert world.accepted(world.record(reading(), of=Interrupted))
    assert 1 == len(world.events())


def test_a_batch_that_was_idle_for_too_long_is_run_again(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "SESSION", {**postgres.SESSION, "idle_in_transaction_session_timeout": "100ms"})
    log = PostgresEventStore(connector(database))
    world = World(log)
    Interrupted.happens.append(lambda: time.sleep(0.3))
    try:
        assert world.accepted(world.record(reading(), of=Interrupted))
        assert 1 == len(world.events())
    finally:
        log.close()


def damage(database: str, id: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("update events set state = 'x' where originator_id like %s", [f"%{id}"])


def test_an_undecodable_history_fails_only_commands_that_read_it(world: World, database: str) -> None:
    id = world.accepted(world.weigh())
    assert world.accepted(world.weigh(NOON + timedelta(hours=1)))
    damage(database, id)
    remove = RemoveMeasurement(
        actor=world.application, request_id="r", child_id=world.child, kind="weight", measurement_id=id
    )
    answers = world.run(world.weigh(NOON + timedelta(hours=2)), remove, world.weigh(NOON + timedelta(hours=3)))
    assert [list, Fault, list] == [type(each) for each in answers]


def test_a_partition_with_an_undecodable_last_event_takes_no_events(world: World, database: str) -> None:
    damage(database, world.accepted(world.weigh()))
    broken = partition(world.child, PARTITIONS)
    other = world.child_apart(broken)
    into_other = replace(world.weigh(), child_id=other, readings=[reading(child_id=other)])
    answers = world.run(world.weigh(NOON + timedelta(hours=1)), into_other, world.weigh(NOON + timedelta(hours=2)))
    assert [Fault, list, Fault] == [type(each) for each in answers]


def test_a_read_only_database_is_unavailable(world: World, database: str) -> None:
    """This happens after a failover, until the address leads to the primary again."""
    with psycopg.connect(database, autocommit=True) as connection:
        name = sql.Identifier(connection.info.dbname)
        connection.execute(sql.SQL("alter database {} set default_transaction_read_only = on").format(name))
    end_sessions(database)
    (answer,) = world.run(world.weigh())
    assert isinstance(answer, LogUnavailable)
