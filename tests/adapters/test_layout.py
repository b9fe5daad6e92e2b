"""Every statement of the project runs unchanged where the tables are cut by `part`, as natively or on Citus."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg_pool import AsyncConnectionPool

from adapters.cli import export, import_log, replay, replay_workers, views
from adapters.cli.export import Selection
from adapters.cli.views import EVERYTHING, Operator
from adapters.postgres import watchdog
from adapters.postgres.connections import KEEPALIVE
from adapters.postgres.event_store import PostgresEventStore
from adapters.postgres.migrate import migrate
from adapters.postgres.query_pools import QueryPool
from adapters.postgres.readers.accounts import AccountsReader, Login
from adapters.postgres.readers.analytics import AnalyticsReader, Values
from adapters.postgres.readers.audit import AuditReader
from adapters.postgres.readers.measurements import MeasurementsReader
from adapters.postgres.readers.outcomes import OutcomesReader
from adapters.postgres.readers.views import ViewsReader
from adapters.processes import health_check, prepare
from application.command import Actor
from application.envelope import events_of
from application.ports import PartitionsHeld, Reads
from application.queries.audit import ListAuditEvents
from application.queries.groups import ListGroups, ReadGroup
from application.queries.institutions import ListInstitutions, ReadInstitution
from application.queries.measurements import MeasurementRow, ReadMeasurements
from application.queries.outcomes import ListEntries, ListOutcomes, Period, ReadOutcome
from application.queries.users import ListUsers, ReadUser
from domain.catalogue import decode, encode
from domain.event import Origin
from domain.measurement import withdraw
from domain.partition import partition
from domain.refusal import AlreadyRegistered, InstitutionInUse, NotFound
from projections.lag import LagTracker
from projections.views import generations
from projections.views.audit_trail import AuditTrailV1
from projections.views.outcomes import OutcomesV1
from projections.views.registry import VIEWS
from projections.views.view import PositionedEvent, run, tables_of
from tests.adapters.layout import STATEMENTS, Executed, partition_natively
from tests.adapters.world import ALL, NOON, World, settle_in
from tests.conftest import PARTITIONS
from tests.projecting import projecting
from tests.running.processes import soon

Connect = Callable[[str], psycopg.Connection[Any]]

CUT = {"events", "dedupe_index", "heads", "places", "leases", "measurements_g1"}


@contextmanager
def closing_log(world: World) -> Iterator[World]:
    with closing(world.log):
        yield world


@asynccontextmanager
async def reading(database: str, executed: Executed) -> AsyncIterator[QueryPool]:
    kwargs = {"autocommit": True, "cursor_factory": executed.async_cursor, **KEEPALIVE}
    async with AsyncConnectionPool(database, kwargs=kwargs, open=False) as pool:
        yield QueryPool(pool, wait=10)


async def test_every_statement_runs_on_tables_partitioned_by_part(
    database: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    executed = Executed()

    def connect(name: str) -> psycopg.Connection[Any]:
        connection = psycopg.connect(database, application_name=name, cursor_factory=executed.cursor)
        connection.server_cursor_factory = executed.server_cursor
        return connection

    for module in (views, replay, replay_workers, export, import_log, health_check, watchdog):
        monkeypatch.setattr(module, "connector", lambda _: connect)

    with closing_log(settle_in(connect)) as old:
        child, sibling = old.children_apart(2)
        first = old.id(old.weights(child, [0], body_fat=20.0))
        with projecting(connect):
            async with reading(database, executed) as pool:
                assert [first] == [row.id for row in await weights(MeasurementsReader(pool, PARTITIONS), old, child)]
    cut(database)
    executed.texts.clear()

    with closing_log(old.reopened(PostgresEventStore(connect))) as world:
        with projecting(connect), projecting(connect):
            second = write(world, child, first)
            write_accounts(world, child, sibling)
            async with reading(database, executed) as pool:
                reader, accounts = MeasurementsReader(pool, PARTITIONS), AccountsReader(pool, pool)
                (row,) = await weights(reader, world, child)
                assert (second, 19.0) == (row.id, row.companion_value)
                assert [] == await accounts.hash_parameters()
                assert Login(world.admin.id, "admin", "hash", 0) == await accounts.login("admin")
                await ask_about_accounts(accounts, world)
                await ask_about_outcomes(pool, world, sibling)
                await until_level(ViewsReader(pool, LagTracker()))
                await audit(AuditReader(pool, PARTITIONS), world, second)
            health_check.check_projector(database)
            operate(Operator(database, Path()), connect)
            read_again(database)
        keep_older_versions(connect)
        settle(world, child)
        wait_in_vain(world, child, connect)
        ask_directly(world, child, connect)
    bring_in_again(database, tmp_path / "log.ndjson", connect)
    assert [] == executed.missing()


async def ask_about_accounts(reader: AccountsReader, world: World) -> None:
    """Every question that there is, of somebody who may ask it."""
    admin, id = world.admin, "f" * 24
    assert ("admin", "hash") == await reader.credentials(admin)
    assert (await reader.institutions(ListInstitutions(actor=admin))).total
    assert (await reader.users(ListUsers(actor=admin, role="child"))).total
    assert [] == (await reader.groups(ListGroups(actor=admin))).rows
    for one in (
        reader.institution(ReadInstitution(actor=admin, institution_id=id)),
        reader.user(ReadUser(actor=admin, role="child", user_id=id)),
        reader.group(ReadGroup(actor=admin, group_id=id)),
    ):
        with pytest.raises(NotFound):
            await one


async def ask_about_outcomes(pool: QueryPool, world: World, subject: str) -> None:
    """Every question that there is, of an outcome that draws from entries and from measurements."""
    outcome_id = world.id(world.outcome_of("first"))
    other_id = world.id(world.outcome_of("other", "attendance"))
    world.id(world.revise_outcome(outcome_id, unit="kg"))
    world.run(world.entries(outcome_id, subject, range(0, 96, 6)), world.entries(outcome_id, "b", [1, 30], "b"))
    world.run(world.entries(other_id, subject, range(0, 96, 8)))
    reader, analytics = OutcomesReader(pool, PARTITIONS), AnalyticsReader(pool, PARTITIONS)
    asker = world.application
    await AccountsReader(pool, pool).check(asker)
    listed = await reader.outcomes(ListOutcomes(actor=asker, brand_id=world.institution_id))
    assert [other_id, outcome_id] == [row.id for row in listed.rows]
    entries = await reader.entries(ListEntries(actor=asker, outcome_id=outcome_id, subject_id=subject))
    assert 16 == entries.total == len(entries.rows)
    mine, theirs = [
        Values(await reader.outcome(ReadOutcome(actor=asker, outcome_id=id))) for id in (outcome_id, other_id)
    ]
    part = Values(mine.outcome, Period(NOON + timedelta(hours=3), NOON + timedelta(hours=50)), subject)
    summary = await analytics.summary(mine)
    assert summary.count > summary.subjects > 1
    assert (12, 1) == ((of_one := await analytics.summary(theirs)).count, of_one.subjects)
    points = await analytics.series(part, "day")
    assert 8 == (await analytics.summary(part)).count == sum(point.count for point in points)
    assert 2 < len(await analytics.daily_means(mine))
    assert 1 < len(await analytics.pairs(mine, theirs))
    assert ["a", "b"] == sorted(change.cohort for change in await analytics.changes(mine, "arm"))


async def weights(reader: MeasurementsReader, world: World, child: str) -> list[MeasurementRow]:
    question = ReadMeasurements(actor=world.application, child_id=child, kind="weight")
    return (await reader.measurements(question)).rows


async def until_level(reader: ViewsReader) -> None:
    async with asyncio.timeout(10):
        events, size = await reader.log_size()
        assert events > 0
        assert size > 0
        while any(each.lag_events for each in await reader.standing()):  # noqa: ASYNC110 - nobody here could tell
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
        for view in VIEWS.latest.values():
            with session.cursor() as cursor:
                generations.go_live(cursor, view, 1)


def write(world: World, child: str, first: str) -> str:
    """Leave one weight of the child, with a body fat that was there before it."""
    assert isinstance(world.outcome(world.weights(child, [0])), AlreadyRegistered)
    world.run(world.remove(child, first))
    return world.id(world.weights(child, [0], body_fat=19.0))


def write_accounts(world: World, child: str, sibling: str) -> None:
    """Touch every table of the directory in every way, and remove a child with a measurement and the owner of a
    group."""
    owner = Actor(world.id(world.register("educator")), "educator", ALL)
    family = world.id(world.register("family", children=(sibling,)))
    world.run(world.link(family, child), world.link(family, sibling))
    world.run(world.unlink(family, child), world.unlink(family, sibling))
    group, other = world.id(world.group(owner, "4b", [child, sibling])), world.id(world.group(owner, "4c", [child]))
    world.id(world.revise(owner, group, name="5b", children=(sibling,)))
    world.id(world.disband(owner, other))
    world.id(world.change_password(owner, "hash", "another"))
    another = world.id(world.institution("another"))
    assert isinstance(world.outcome(world.remove_institution(world.institution_id)), InstitutionInUse)
    world.run(world.remove_institution(another), world.weights(sibling, [0, 1]))
    world.id(world.remove_user(sibling))
    world.id(world.remove_user(owner.id))


def settle(world: World, child: str) -> None:
    """Look up whether a group in doubt was stored: this one was, and one that never got so far was not."""
    part = partition(child, PARTITIONS)
    for stored in (True, False):
        known = world.log.begin({part}, ())
        world.log.load(known, Reads())
        origin = Origin(known.recorded_at, "x", "service", "x")
        (event,) = events_of([withdraw(child)], known.version, origin=origin, cause="x")
        known.apply([event], [encode(event)])
        if stored:
            world.log.append(known)
            world.log.commit(known)
        else:
            world.log.rollback()
        assert stored == world.log.settle(known)


def wait_in_vain(world: World, child: str, connect: Connect) -> None:
    """For a partition that another session holds."""
    part = partition(child, PARTITIONS)
    with connect("holder") as holder:
        holder.execute("select from heads where part = %s for update", [part])
        with pytest.raises(PartitionsHeld):
            world.log.begin({part}, ())


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
        for name in ("idle_sessions", "terminate_sessions"):
            assert [] == session.execute(STATEMENTS["watchdog", name].encode(), {"pids": [0]}).fetchall()
        assert [] == migrate(session, PARTITIONS)
        assert len(session.execute(STATEMENTS["migrate", "oldest_holder"].encode()).fetchall()) <= 1
        with session.transaction(force_rollback=True):  # what a new database begins with
            session.execute("drop table migrations; delete from heads")
            told = {"name": "0001", "checksum": "x", "partitions": PARTITIONS}
            for name in ("create_migrations", "set_applied", "add_partitions"):
                session.execute(STATEMENTS["migrate", name].encode(), told)
        for name in ("equal_names", "groups_across_institutions"):
            assert [] == session.execute(STATEMENTS["directory", name].encode()).fetchall()
        assert session.execute(STATEMENTS["directory", "all_users"].encode()).fetchall()


async def audit(reader: AuditReader, world: World, weight: str) -> None:
    rows, is_cut = await reader.events(ListAuditEvents(actor=world.admin, subject=world.institution_id))
    assert (True, False) == (bool(rows), is_cut)
    stream = await reader.stream(weight)
    known_at = await reader.known(stream, None)
    assert known_at == await reader.known(stream, known_at)
    assert [fact async for fact in reader.facts(stream)]


def keep_older_versions(connect: Connect) -> None:
    """What older versions of views make of the log: written, and filled; and how they look to today's queries."""
    for view in (OutcomesV1(), AuditTrailV1()):
        with connect("older") as session, session.cursor() as cursor, session.transaction(force_rollback=True):
            written, filled = tables_of(view, 98), tables_of(view, 99)
            view.create(cursor, written)
            view.create(cursor, filled)
            rows = cursor.execute("select part, seq, topic, state from events order by part, seq").fetchall()
            log = [
                PositionedEvent(part, seq, decode(topic, state))
                for part, seq, topic, state in rows
                if topic in view.topics
            ]
            for placed in log:
                view.write(cursor, written, [placed])
            view.fill(cursor, filled, log)
            for part in range(PARTITIONS):
                view.complete(cursor, filled, part)
            for shown in view.shown.values():
                run(cursor, shown, filled)


def read_again(database: str) -> None:
    """Nothing is wrong; and a view as it was is where nobody asks for it."""
    assert 0 == replay.check_log(database, as_json=True, compares=True)
    assert 0 == replay.build_into(database, "measurements", known_at=None)
    assert export.export(database, Selection(), format="ndjson", out=StringIO())


def bring_in_again(database: str, path: Path, connect: Connect) -> None:
    """The log goes out, and into the same tables when these are empty."""
    with path.open("w") as out:
        events = export.export(database, Selection(), format="ndjson", out=out)
    with connect("empties") as session:
        session.execute("truncate events, dedupe_index, users, institutions, groups, ties, outcomes, places")
    for _ in range(2):
        assert events == import_log.import_log(database, path, partitions=PARTITIONS)
    prepare.wait_until_prepared(database, for_commands=True)
    assert 0 == replay.check_log(database, as_json=True, compares=True)
    with projecting(connect), connect("looks") as session:
        session.autocommit = True
        session.execute("insert into workers select view, generation, 'nobody', 0 from views where live")
        assert soon(lambda: not session.execute("select from workers where owner = 'nobody'").fetchall(), 30)


def operate(operator: Operator, connect: Connect) -> None:
    """All that an operator may do with the views."""
    assert 0 == operator.rebuild(EVERYTHING, workers=1, accept_differences=False, anew=False)
    assert 0 == operator.status()
    for name in VIEWS.latest:
        assert 0 == operator.roll_back(name)
    with connect("breaks") as session:
        session.autocommit = True
        ((part, seq, state),) = session.execute(
            "select part, seq, state from events where topic = 'measurement.recorded.v1' order by part, seq limit 1"
        ).fetchall()
        position = {"part": part, "seq": seq}
        broken = "update events set state = %(state)s where part = %(part)s and seq = %(seq)s"
        session.execute(broken, {**position, "state": b"{}"})
        assert 1 == operator.rebuild(["measurements"], workers=1, accept_differences=False, anew=False)
        assert 0 == operator.parked(None)
        session.execute(broken, {**position, "state": state})
    assert 0 == operator.unpark("measurements", None, skip=False)
    assert 0 == operator.rebuild(["measurements"], workers=1, accept_differences=False, anew=False)
    assert 0 == operator.drop_old(EVERYTHING)
