"""The core of the service works and answers the same, whatever a server, a database, a role or the environment sets."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
from msgspec.structs import replace
from psycopg import pq
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier, Literal

from adapters.cli import export, replay
from adapters.cli.export import Selection
from adapters.cli.views import EVERYTHING, Operator
from adapters.postgres import connections, embedded
from adapters.postgres.connections import connector
from adapters.postgres.event_store import PostgresEventStore
from adapters.postgres.migrate import migrate
from adapters.postgres.query_pools import QueryPool
from adapters.postgres.readers.analytics import AnalyticsReader, Values
from adapters.postgres.readers.measurements import MeasurementsReader
from adapters.postgres.readers.outcomes import OutcomesReader
from application.commands.record_entries import RecordEntries
from application.commands.record_measurements import RecordMeasurements
from application.queries.measurements import ReadMeasurements
from application.queries.outcomes import ReadOutcome
from domain.entry import Entry
from domain.measurement import Reading
from domain.refusal import AlreadyRegistered
from tests.acceptance.client import WEIGHT
from tests.adapters.world import World, settle_in
from tests.conftest import PARTITIONS
from tests.projecting import projecting
from tests.running.processes import WITH_PASSWORD, run_briefly, serving
from tests.running.programme import client, enrol, readings

HOSTILE = {
    "timezone": "Europe/Berlin",
    "datestyle": "German",
    "intervalstyle": "sql_standard",
    "extra_float_digits": "-5",
    "bytea_output": "escape",
    "client_encoding": "LATIN1",
    "default_transaction_isolation": "repeatable read",
    "default_transaction_deferrable": "on",
    "statement_timeout": "1ms",
    "lock_timeout": "1ms",
    "idle_in_transaction_session_timeout": "1ms",
    "idle_session_timeout": "10s",
    "search_path": "nonsense",
    "synchronous_commit": "off",
    "standard_conforming_strings": "off",
    "array_nulls": "off",
    "transform_null_equals": "on",
    "jit": "on",
    "jit_above_cost": "0",
}

ENVIRONMENT = {
    "PGOPTIONS": "-c statement_timeout=1 -c nonsense=1",
    "PGTZ": "Europe/Berlin",
    "PGDATESTYLE": "German",
    "PGCLIENTENCODING": "latin1",
    "PGAPPNAME": "nonsense",
    "PGCONNECT_TIMEOUT": "nonsense",
}
"""What does not count beside a DATABASE_URL."""

ELSEWHERE = {option.envvar.decode(): "nonsense" for option in pq.Conninfo.get_defaults() if option.envvar} | {
    **ENVIRONMENT,
    "PGHOSTADDR": "127.0.0.1",
    "PGPORT": "1",
    "PGSSLMODE": "verify-full",
}
"""What does not count for the embedded server."""

LATE = datetime(2026, 6, 1, 23, tzinfo=UTC)
"""In Berlin that is the next day."""

AT_ONCE = 10
"""Weights of each writer, of those that write at once."""

VALUES = (0.1 + 0.2, 30.4, 1 / 3)


@pytest.fixture(scope="module")
def hostile_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server whose own settings are hostile."""
    settings = {"fsync": "off", "full_page_writes": "off", **HOSTILE}
    running = embedded.start(tmp_path_factory.mktemp("hostile"), settings=settings)
    yield running.url
    running.stop()


@pytest.fixture(params=["server", "database", "role"])
def hostile(request: pytest.FixtureRequest, server: embedded.Server) -> Iterator[str]:
    """The address of an empty database that is hostile by its server, by itself or by the role."""
    if request.param == "server":
        yield from _new_database(request.getfixturevalue("hostile_server"), {})
    else:
        yield from _new_database(server.url, {request.param: HOSTILE})


def _new_database(server: str, settings: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """`settings`: of the database, of the role."""
    name = "hostile_to_all"
    altered = SQL("alter {} {} set {} = {}")
    with connector(server)("a test") as session:
        session.autocommit = True
        session.execute(f"create role {name} login")
        session.execute(f"create database {name} owner {name}")
        for kind, said in settings.items():
            for setting, value in said.items():
                what = SQL("role") if kind == "role" else SQL("database")
                session.execute(altered.format(what, Identifier(name), Identifier(setting), Literal(value)))
        try:
            yield make_conninfo(server, dbname=name, user=name)
        finally:
            session.execute(f"drop database {name} with (force)")
            session.execute(f"drop role {name}")


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("environment")
async def test_commands_views_questions_rebuilds_and_replays_are_as_anywhere(
    hostile: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = connector(hostile)
    with connect("prepare") as connection:
        migrate(connection, PARTITIONS)
    world = settle_in(connect)
    with closing(world.log), projecting(connect):
        child, outcome = world.children(1)[0], world.id(world.outcome_of("grows", "length"))
        world.run(weights(world, child), entries(world, outcome))
        assert isinstance(
            world.outcome(replace(weights(world, child), readings=[reading(child, 0)])), AlreadyRegistered
        )
        write_at_once(connect, world, child)
        async with connections.pool(hostile, 2) as sessions:
            await ask(QueryPool(sessions, wait=30), world, child, outcome)
            for name, value in ENVIRONMENT.items():  # once more, since the first session has removed some
                monkeypatch.setenv(name, value)
            everything = partial(Operator(hostile, tmp_path).rebuild, EVERYTHING, workers=1)
            assert 0 == await asyncio.to_thread(everything, accept_differences=False, anew=False)
            await ask(QueryPool(sessions, wait=30), world, child, outcome)
    assert 0 == replay.check_log(hostile, as_json=True, compares=True)
    assert export.export(hostile, Selection(), format="ndjson", out=StringIO())


def reading(child: str, number: int) -> Reading:
    return Reading(child, "weight", LATE + timedelta(hours=number), VALUES[number], "kg", None)


def weights(world: World, child: str) -> RecordMeasurements:
    return replace(world.weights(child, []), readings=[reading(child, number) for number in range(len(VALUES))])


def entries(world: World, outcome: str) -> RecordEntries:
    said = [
        Entry(outcome, "anna", world.institution_id, str(value), LATE + timedelta(hours=number), {})
        for number, value in enumerate(VALUES)
    ]
    return replace(world.entries(outcome, "anna", []), entries=said)


def write_at_once(connect: Callable[[str], psycopg.Connection[Any]], world: World, child: str) -> None:
    """Writers that meet in one partition: each reads what the others have committed while it waited."""

    def write(writer: int) -> None:
        with closing(PostgresEventStore(connect)) as log:
            own = world.reopened(log)
            for number in range(AT_ONCE):
                assert own.id(own.weights(child, [writer * AT_ONCE + number]))

    with ThreadPoolExecutor(3) as writers:
        list(writers.map(write, range(3)))


async def ask(pool: QueryPool, world: World, child: str, outcome: str) -> None:
    """The numbers come back to the last digit, the times in UTC, and each value is in its day."""
    question = ReadMeasurements(actor=world.application, child_id=child, kind="weight")
    rows = (await MeasurementsReader(pool, PARTITIONS).measurements(question)).rows
    found = sorted((row.taken_at, row.value) for row in rows if row.taken_at >= LATE)
    assert [(LATE + timedelta(hours=number), value) for number, value in enumerate(VALUES)] == found
    assert 3 * AT_ONCE == len(rows) - len(found)
    asked = ReadOutcome(actor=world.application, outcome_id=outcome)
    values = Values(await OutcomesReader(pool, PARTITIONS).outcome(asked))
    analytics = AnalyticsReader(pool, PARTITIONS)
    assert len(VALUES) == (await analytics.summary(values)).count
    points = [(point.start, point.count) for point in await analytics.series(values, "day")]
    assert [(date(2026, 6, 1), 1), (date(2026, 6, 2), 2)] == points
    ((count,),) = await pool.rows("select sum(count)::int from days where source = %(outcome)s", {"outcome": outcome})
    assert len(VALUES) == count


@pytest.mark.parametrize("hostile", ["role"], indirect=True)
def test_a_service_works_in_spite_of_hostile_settings_of_its_database_role(hostile: str, tmp_path: Path) -> None:
    with serving(tmp_path / "data", {**WITH_PASSWORD, **ENVIRONMENT, "DATABASE_URL": hostile}) as run:
        weigh(run.url)


def test_variables_of_libpq_lead_no_process_away_from_the_embedded_server(tmp_path: Path) -> None:
    with serving(tmp_path / "data", {**WITH_PASSWORD, **ELSEWHERE}) as run:
        weigh(run.url)
    ended = run_briefly("replay", "--data", str(tmp_path / "data"), settings=ELSEWHERE)
    assert (0, "") == (ended.returncode, ended.stderr)


def weigh(url: str) -> None:
    """A weight is recorded, comes back as it was, and is recorded once."""
    with client(url) as api:
        programme = enrol(api)
        child, weight = programme.child(), {**readings(1)[0], "value": VALUES[0]}
        assert [201, 409] == [programme.application.post(WEIGHT.path(child), weight).status_code for _ in range(2)]
        (listed,) = WEIGHT.listed(programme.application, child)
        assert (weight["value"], weight["timestamp"]) == (listed["value"], listed["timestamp"])
