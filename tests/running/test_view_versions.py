"""The code of a view changes while it serves: the older version keeps its generation until the newer one has grown, and
takes over again when somebody goes back. Nobody who reads or writes notices."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import Connection, Cursor
from psycopg_pool import AsyncConnectionPool

from adapters.postgres.connections import connector
from adapters.postgres.query_pools import QueryPool
from adapters.postgres.readers.measurements import MeasurementsReader
from adapters.processes.prepare import outdated_view_notices
from application.queries.measurements import ReadMeasurements
from application.queries.query import Paging
from projections.rebuild import rebuild, switch
from projections.rebuild.generation_build import RebuildRefused
from projections.views import generations
from projections.views.generations import OutdatedView, UnknownVersion
from projections.views.measurements import Measurements
from projections.views.registry import VIEWS, Views
from projections.views.view import Page, Tables, run
from tests.adapters.world import World, settle_in
from tests.conftest import PARTITIONS
from tests.projecting import projecting
from tests.running.processes import soon
from tests.running.projectors import owners

Connect = Callable[[str], Connection[Any]]


class Before(Measurements):
    """The version that there is now, as it would look to the questions of the next one."""

    shown: Mapping[str, LiteralString] = {
        "measurements": "select part, child_id, kind, id, taken_at, value::numeric as value, unit, companion_value,"
        " institution_id, value::numeric * 1000 as thousandth from {measurements}"
    }


class After(Measurements):
    """The next version: a column has another type, and there is one more."""

    version = 2

    def create(self, cursor: Cursor[Any], tables: Tables) -> None:
        super().create(cursor, tables)
        run(cursor, "alter table {measurements} alter column value type numeric", tables)
        run(cursor, "alter table {measurements} add column thousandth numeric", tables)

    def write(self, cursor: Cursor[Any], tables: Tables, page: Page) -> None:
        super().write(cursor, tables, page)
        run(cursor, "update {measurements} set thousandth = value * 1000 where thousandth is null", tables)

    def grow(self, cursor: Cursor[Any], tables: Tables, page: Page) -> None:
        self.write(cursor, tables, page)


NEXT = Views(After(), VIEWS.latest["outcomes"], older=[Before()])


@pytest.fixture
def world(database: str) -> Iterator[World]:
    world = settle_in(connector(database))
    yield world
    world.log.close()


@asynccontextmanager
async def reading(database: str) -> AsyncIterator[MeasurementsReader]:
    """Few connections, so that each has its statements prepared."""
    kwargs = {"autocommit": True, "prepare_threshold": 0}
    async with AsyncConnectionPool(database, kwargs=kwargs, min_size=2, max_size=2, open=False) as pool:
        yield MeasurementsReader(QueryPool(pool, wait=10), PARTITIONS)


class Client:
    """Writes a weight and reads it at once, again and again."""

    def __init__(self, world: World, reader: MeasurementsReader) -> None:
        self._world, self._reader = world, reader
        (self._child,) = world.children(1)
        self._written: list[str] = []
        self.reads = 0
        self._stopping = False

    async def run(self) -> None:
        """Until stopped: every answer has all that was written before it."""
        while not self._stopping:
            minute = len(self._written)
            command = self._world.weights(self._child, [minute])
            self._written.append(await asyncio.to_thread(self._world.id, command))
            query = ReadMeasurements(
                actor=self._world.application, child_id=self._child, kind="weight", paging=Paging(limit=1_000)
            )
            page = await self._reader.measurements(query)
            assert list(reversed(self._written)) == [row.id for row in page.rows]
            assert {30.5} == {float(row.value) for row in page.rows}
            self.reads += 1

    async def after_some(self, change: Callable[[], None]) -> None:
        """Make a change once it has read a few times, in another thread; and it reads on for a while."""
        for step in (lambda: None, change, lambda: None):
            await asyncio.to_thread(step)
            await self.read_on()

    async def read_on(self, times: int = 5) -> None:
        """Return when it has read so many times more."""
        enough = self.reads + times
        async with asyncio.timeout(60):
            while self.reads < enough:  # noqa: ASYNC110 - it reads in a task of its own
                await asyncio.sleep(0.01)

    def stop(self) -> None:
        self._stopping = True


def rebuilt(connect: Connect) -> None:
    with connect("rebuild-test") as connection:
        connection.autocommit = True
        going = rebuild.begin(connection, "rebuild-test", "measurements", views=NEXT)
        for _ in going.fill():
            pass
        going.finish()
        assert not going.comparable
        for _ in going.switch():
            pass


def rolled_back(connect: Connect) -> None:
    with connect("rollback-test") as connection:
        connection.autocommit = True
        _, steps = rebuild.roll_back(connection, "measurements", views=NEXT)
        for _ in steps:
            pass


def live(connect: Connect) -> list[tuple[int, int]]:
    """Generation and version of the view that serves."""
    with connect("live") as connection:
        return [
            (each.generation, each.version)
            for each in generations.all_generations(connection)
            if each.view == "measurements" and each.live
        ]


async def test_a_view_goes_to_its_next_version_and_back_and_no_read_is_lost(database: str, world: World) -> None:
    connect = connector(database)
    async with reading(database) as reader:
        client = Client(world, reader)
        with projecting(connect, VIEWS):
            running = asyncio.create_task(client.run())
            await client.after_some(lambda: None)
            await client.after_some(lambda: prepared(connect))  # the new code is there, the old one still runs
        with projecting(connect, NEXT):
            for change, expected in (
                (rebuilt, [(2, 2)]),
                (rolled_back, [(1, 1)]),
                (rolled_back, [(2, 2)]),
                (rolled_back, [(1, 1)]),
            ):
                await client.after_some(partial(change, connect))
                assert expected == live(connect)
                assert not running.done(), running.exception()
            with a_long_query(database) as ends:
                switching = asyncio.create_task(client.after_some(lambda: rolled_back(connect)))
                await client.read_on(10)  # nobody waits behind the switch
                assert [(1, 1)] == live(connect)
                ends()
                await switching
            assert [(2, 2)] == live(connect)
            client.stop()
            await running
    with connect("thousandths") as connection:
        rows = connection.execute("select count(*), min(thousandth), max(thousandth) from measurements").fetchall()
        assert [(len(client._written), 30_500, 30_500)] == rows


def prepared(connect: Connect) -> None:
    with connect("prepare") as connection:
        generations.prepare(connection, NEXT)
        assert [OutdatedView("measurements", 1, 2)] == generations.outdated_views(connection, NEXT)


@contextmanager
def a_long_query(database: str) -> Iterator[Callable[[], None]]:
    """Somebody looks at the view, and does not come to an end until told."""
    with psycopg.connect(database) as connection:
        connection.execute("select count(*) from measurements")
        yield connection.rollback


def test_a_version_that_the_code_does_not_have_is_refused(database: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute("update views set version = 7 where view = 'measurements'")
        with pytest.raises(UnknownVersion, match="the live generation of measurements has version 7"):
            generations.prepare(connection)


def test_a_version_that_no_running_projector_knows_does_not_serve(
    database: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise no projector would update the live view."""
    monkeypatch.setattr(switch, "KEEPING_TIME", 0.5)
    connect = connector(database)
    prepared(connect)
    with projecting(connect, VIEWS):
        assert soon(lambda: None not in owners(database), 20)
        with pytest.raises(RebuildRefused, match="no projector maintains generation 2 of measurements"):
            rebuilt(connect)
    assert [(1, 1)] == live(connect)


def test_a_view_served_by_an_older_version_is_reported_at_the_start(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [] == outdated_view_notices(database)
    monkeypatch.setattr(VIEWS.latest["measurements"], "version", 2)
    (told,) = outdated_view_notices(database)
    assert "measurements is served by version 1 of its code; `./scripts/rebuild measurements` brings version 2" in told
