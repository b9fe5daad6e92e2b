"""A writer whose client stops in the middle of an append: PostgreSQL, or the next writer, ends its session."""

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Cursor
from psycopg.conninfo import make_conninfo

from adapters.cli.views import Operator
from adapters.postgres import event_store, watchdog
from adapters.postgres.connections import abort_connection, connector
from adapters.postgres.embedded import Server
from adapters.postgres.event_store import PostgresEventStore
from application.command import Command
from application.ports import PartitionsHeld
from application.processor import Processor
from application.unavailable import Unavailable
from application.writer import Writer
from domain.refusal import AlreadyRegistered
from projections.projector import pages
from projections.projector.pages import ParkedEvent, Stored
from projections.rebuild.inline_views import INLINE
from projections.views.generations import Generation
from projections.views.measurements import SQL as MEASUREMENTS
from projections.views.measurements import Measurements
from projections.views.view import run, tables_of
from tests.adapters.stalling import Stall, StallingProxy, stalling
from tests.adapters.world import World

MANY = range(3_000)
"""More events than fit into the buffers of a connection."""

EVENTS = b"measurement.recorded"

PATIENCE = 60.0
"""Seconds within which everything happens; without the mend it never does."""


@pytest.fixture
def proxy(server: Server) -> Iterator[StallingProxy]:
    with stalling(server.socket / ".s.PGSQL.5432", EVENTS) as proxy:
        yield proxy


@pytest.fixture
def address(database: str, proxy: StallingProxy) -> str:
    """Of the database behind the proxy."""
    return make_conninfo(database, host="127.0.0.1", port=proxy.port, sslmode="disable", gssencmode="disable")


@pytest.fixture
def distant(world: World, address: str) -> Iterator[World]:
    """The same world through the proxy."""
    world = world.reopened(PostgresEventStore(connector(address)))
    yield world
    world.log.close()


def written(world: World, command: Command) -> Any:
    """The answer, once the partitions are free."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        (answer,) = world.run(command)
        if not isinstance(answer, PartitionsHeld):
            return answer
    raise AssertionError("the partitions stay held")


def is_there(session: psycopg.Connection[Any], pid: int) -> bool:
    return bool(session.execute("select from pg_stat_activity where pid = %s", [pid]).fetchall())


@pytest.mark.parametrize("stall", Stall)
def test_the_next_writer_ends_a_session_whose_client_stops_in_an_append(
    world: World,
    distant: World,
    proxy: StallingProxy,
    session: psycopg.Connection[Any],
    monkeypatch: pytest.MonkeyPatch,
    stall: Stall,
) -> None:
    monkeypatch.setattr(event_store, "CLIENT_TIMEOUT", 0.5)
    monkeypatch.setattr(event_store, "SESSION", {"lock_timeout": "100ms"})  # no time limit of the server helps
    (child,) = world.children(1)
    world = world.reopened(PostgresEventStore(world.log._connect))
    proxy.stall = stall
    with ThreadPoolExecutor(1) as threads:
        pid = distant.log._connection.info.backend_pid
        storing = threads.submit(distant.run, distant.weights(child, MANY))
        try:
            assert proxy.stalled.wait(PATIENCE)
            assert [str] == [type(outcome) for outcome in written(world, world.weights(child, [0]))]
            assert not is_there(session, pid)
        finally:
            distant.log.abort()
        storing.result(PATIENCE)
    answers = written(world, world.weights(child, MANY))
    assert [AlreadyRegistered, *[str] * (len(MANY) - 1)] == [type(outcome) for outcome in answers]
    world.log.close()


def append(cursor: Cursor[Any]) -> None:
    event_store.append_rows(cursor, [(0, seq, f"{seq}", 1, EVENTS.decode(), b"{}" * 100) for seq in MANY])


def delete_from_a_view(cursor: Cursor[Any]) -> None:
    keys = [(0, f"{number:024x}", EVENTS.decode(), f"{number}") for number in MANY]
    run(cursor, MEASUREMENTS["delete_rows"], tables_of(Measurements(), 1), keys)


def park_events(cursor: Cursor[Any]) -> None:
    stored = [Stored(0, seq, f"{seq}", EVENTS.decode(), b"") for seq in MANY]
    pages.park(cursor, Generation("measurements", 1, 1, True, True, None), [ParkedEvent(each) for each in stored])


@pytest.mark.parametrize("write", [append, delete_from_a_view, park_events])
def test_postgresql_ends_a_session_whose_client_stops_in_the_middle_of_its_rows(
    address: str, proxy: StallingProxy, session: psycopg.Connection[Any], write: Callable[[Cursor[Any]], None]
) -> None:
    proxy.stall = Stall.MESSAGE
    with ThreadPoolExecutor(1) as threads, closing(connector(address)("distant")) as distant:
        distant.execute("set idle_in_transaction_session_timeout = '1s'")
        pid = distant.info.backend_pid
        storing = threads.submit(write, distant.cursor())
        try:
            assert proxy.stalled.wait(PATIENCE)
            deadline = time.monotonic() + PATIENCE
            while is_there(session, pid) and time.monotonic() < deadline:
                time.sleep(0.05)
            assert not is_there(session, pid)
        finally:
            abort_connection(distant)
        assert isinstance(storing.exception(PATIENCE), psycopg.OperationalError)


@pytest.mark.parametrize("name", INLINE)
def test_the_next_writer_ends_a_rebuild_whose_client_stops_in_its_switch(
    world: World, database: str, server: Server, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """It holds all partitions and locks the tables by which commands are decided."""
    monkeypatch.setattr(event_store, "CLIENT_TIMEOUT", 0.5)
    monkeypatch.setattr(event_store, "SESSION", {"lock_timeout": "100ms"})
    (child,) = world.children(1)
    world = world.reopened(PostgresEventStore(world.log._connect))
    with ThreadPoolExecutor(1) as threads:
        with stalling(server.socket / ".s.PGSQL.5432", b"drop table") as proxy:
            proxy.stall = Stall.ANSWERS
            address = make_conninfo(
                database, host="127.0.0.1", port=proxy.port, sslmode="disable", gssencmode="disable"
            )
            rebuilding = threads.submit(Operator(address, Path()).rebuild, [name], compares=False)
            assert proxy.stalled.wait(PATIENCE)
            assert [str] == [type(outcome) for outcome in written(world, world.weights(child, [0]))]
        assert isinstance(rebuilding.exception(PATIENCE), psycopg.OperationalError)
    assert 0 == Operator(database, Path()).rebuild([name])
    world.log.close()


async def test_a_writer_whose_answers_get_lost_gives_its_partitions_back_itself(
    world: World,
    address: str,
    database: str,
    proxy: StallingProxy,
    session: psycopg.Connection[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(event_store, "SESSION", {})  # no time limit of the server helps
    (child,) = world.children(1)
    distant = PostgresEventStore(connector(address))
    pid = distant._connection.info.backend_pid
    writer = Writer(Processor(distant), batch_size=10, queue_size=10)
    writer.start()
    watching = asyncio.create_task(watchdog.watch(database, [watchdog.WatchedWriter(writer, distant)]))
    proxy.stall = Stall.ANSWERS
    with pytest.raises(Unavailable):
        await asyncio.wait_for(writer.submit(world.weights(child, [0])), PATIENCE)
    async with asyncio.timeout(PATIENCE):
        while is_there(session, pid):  # noqa: ASYNC110 - PostgreSQL tells nobody
            await asyncio.sleep(0.05)
        assert isinstance(await writer.submit(world.weights(child, [0])), list)
    await asyncio.to_thread(writer.stop)
    watching.cancel()
    distant.close()


def test_a_session_that_works_keeps_its_partitions(
    world: World,
    connect: Callable[[str], psycopg.Connection[Any]],
    session: psycopg.Connection[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(event_store, "CLIENT_TIMEOUT", 0.0)
    monkeypatch.setattr(event_store, "SESSION", {"lock_timeout": "100ms"})
    (child,) = world.children(1)
    impatient = world.reopened(PostgresEventStore(connect))
    with connect("writer") as holder, ThreadPoolExecutor(1) as threads:
        holder.execute("select part from heads for update")
        working = threads.submit(holder.execute, "select pg_sleep(600)")
        while not session.execute("select from pg_stat_activity where wait_event = 'PgSleep'").fetchall():
            time.sleep(0.01)
        (answer,) = impatient.run(world.weights(child, [0]))
        assert isinstance(answer, PartitionsHeld)
        holder.cancel_safe()
        assert isinstance(working.exception(PATIENCE), psycopg.errors.QueryCanceled)
    impatient.log.close()
