"""Every statement of the project runs unchanged where the tables are cut by `part`, as natively or on Citus."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from typing import Any

import psycopg
from psycopg_pool import AsyncConnectionPool

from adapters.postgres.connections import KEEPALIVE
from adapters.postgres.log import PostgresLog
from adapters.postgres.reader import Reader
from application.command import Actor
from application.ports import Reads
from application.queries.measurements import ListMeasurements, MeasurementRow
from domain.catalogue import encode
from domain.event import Origin
from domain.measurement import withdraw
from domain.partition import partition
from domain.refusal import AlreadyRegistered
from projections import views
from projections.projector import Projector
from projections.views import VIEWS
from tests.adapters.layout import STATEMENTS, Executed, partition_natively
from tests.adapters.world import ALL, World, settle_in
from tests.conftest import PARTITIONS

Connect = Callable[[str], psycopg.Connection[Any]]

CUT = {"events", "dedupe_index", "heads", "places", "leases", "measurements_g1"}


@contextmanager
def projecting(connect: Connect) -> Iterator[None]:
    projector = Projector(connect, poll=0.01)
    thread = threading.Thread(target=projector.run)
    thread.start()
    try:
        yield
    finally:
        projector.stop()
        thread.join()


@contextmanager
def closing_log(world: World) -> Iterator[World]:
    with closing(world.log):
        yield world


@asynccontextmanager
async def reading(database: str, executed: Executed) -> AsyncIterator[Reader]:
    kwargs = {"autocommit": True, "cursor_factory": executed.async_cursor, **KEEPALIVE}
    async with AsyncConnectionPool(database, kwargs=kwargs, open=False) as pool:
        yield Reader(pool, PARTITIONS, wait=10)


async def test_every_statement_runs_where_the_tables_are_cut_by_part(database: str) -> None:
    executed = Executed()

    def connect(name: str) -> psycopg.Connection[Any]:
        return psycopg.connect(database, application_name=name, cursor_factory=executed.cursor)

    with closing_log(settle_in(connect)) as old:
        child, sibling = old.children_apart(2)
        first = old.id(old.weights(child, [0], body_fat=20.0))
        with projecting(connect):
            async with reading(database, executed) as reader:
                assert [first] == [row.id for row in await weights(reader, old, child)]
    cut(database)
    executed.texts.clear()

    with closing_log(old.reopened(PostgresLog(connect))) as world:
        with connect("views") as session:
            views.create_missing(session)
            views.create(session, VIEWS["measurements"], 2)
        with projecting(connect):
            second = write(world, child, first)
            write_accounts(world, child, sibling)
            async with reading(database, executed) as reader:
                (row,) = await weights(reader, world, child)
                assert (second, 19.0) == (row.id, row.companion_value)
                assert (world.admin.id, "admin", "hash") == await reader.login("admin")
                assert [("measurements", 1, True), ("measurements", 2, False)] == [
                    (lag.view, lag.generation, lag.live) for lag in await reader.lags()
                ]
                await until_level(reader)
        settle(world, child)
        ask_directly(world, child, connect)
    compare(connect)
    assert [] == executed.missing()


async def weights(reader: Reader, world: World, child: str) -> list[MeasurementRow]:
    question = ListMeasurements(actor=world.application, child_id=child, kind="weight")
    return (await reader.measurements(question)).rows


async def until_level(reader: Reader) -> None:
    async with asyncio.timeout(10):
        while any(lag.events for lag in await reader.lags()):  # noqa: ASYNC110 - nobody here could tell
            await asyncio.sleep(0.01)


def cut(database: str) -> None:
    def counted(session: psycopg.Connection[Any]) -> list[Any]:
        return [
            session.execute(f"select part, count(*) from {table} group by 1 order by 1").fetchall() for table in CUT
        ]

    with psycopg.connect(database) as session:
        before = counted(session)
        assert partition_natively(session) >= CUT
        assert before == counted(session)
        views.go_live(session, VIEWS["measurements"], 1)


def write(world: World, child: str, first: str) -> str:
    """Leave one weight of the child, with a body fat that was there before it."""
    assert isinstance(world.outcome(world.weights(child, [0])), AlreadyRegistered)
    world.run(world.remove(child, first))
    return world.id(world.weights(child, [0], body_fat=19.0))


def write_accounts(world: World, child: str, sibling: str) -> None:
    """Touch every table of the directory, and remove a child with a measurement and the owner of a group."""
    owner = Actor(world.id(world.register("educator")), "educator", ALL)
    world.id(world.register("family", children=(child, sibling)))
    world.id(world.group(owner, "4b", [child, sibling]))
    world.run(world.institution("another"), world.weights(sibling, [0, 1]))
    world.id(world.remove_user(sibling))
    world.id(world.remove_user(owner.id))


def settle(world: World, child: str) -> None:
    """Look up whether a group in doubt was stored: this one was, and one that never got so far was not."""
    part = partition(child, PARTITIONS)
    for stored in (True, False):
        known = world.log.begin({part}, ())
        world.log.load(known, Reads())
        event = withdraw(child, origin=Origin(known.recorded_at, "x", "service", "x"), cause="x")
        known.apply([event], [encode(event)])
        if stored:
            world.log.append(known)
            world.log.commit(known)
        else:
            world.log.rollback()
        assert stored == world.log.settle(known)


def ask_directly(world: World, child: str, connect: Connect) -> None:
    """Run the statements that nothing in this process runs."""
    part = partition(child, PARTITIONS)
    after = world.log.read("after", {"part": part, "seq": 1, "limit": 2})
    assert [2, 3] == [seq for seq, *_ in after]
    stream = after[0][1]
    bounds = {"part": part, "originator_id": stream, "gt": 0, "lte": 9, "limit": 9}
    assert world.log.read("stream", bounds) == world.log.read("stream_descending", bounds)[::-1] != []
    with connect("direct") as session:
        assert (True,) == session.execute(STATEMENTS["directory", "has_admin"].encode()).fetchone()


def compare(connect: Connect) -> None:
    """Let the other generation be the one that answers; it has the same rows."""
    with connect("compare") as session:
        views.go_live(session, VIEWS["measurements"], 2)
        for one, other in ((1, 2), (2, 1)):
            assert [] == session.execute(f"table measurements_g{one} except table measurements_g{other}").fetchall()
