"""A view that an older version of its code serves answers the questions of the latest one, until it is rebuilt."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
from psycopg import Connection
from psycopg_pool import AsyncConnectionPool

from adapters.cli import replay
from adapters.cli.views import Operator
from adapters.postgres.query_pools import QueryPool
from adapters.postgres.readers.analytics import AnalyticsReader, Values
from adapters.postgres.readers.audit import AuditReader
from adapters.postgres.readers.outcomes import OutcomesReader
from application.command import Actor
from application.commands.record_entries import RecordEntries
from application.queries.analytics import Slopes
from application.queries.audit import ListAuditEvents
from application.queries.outcomes import ReadOutcome
from domain.entry import Entry
from projections.views import generations
from projections.views.audit_trail import AuditTrailV1
from projections.views.outcomes import OutcomesV1
from tests.adapters.older import serve_as_before
from tests.adapters.rebuilding import BEHIND
from tests.adapters.world import NOON, World
from tests.conftest import PARTITIONS
from tests.projecting import projecting
from tests.running.processes import soon


def enter(world: World, outcome_id: str, subject_id: str, *days: list[str]) -> None:
    entries = [
        Entry(outcome_id, subject_id, world.institution_id, value, NOON.replace(day=day, hour=hour), {})
        for day, values in enumerate(days, 1)
        for hour, value in enumerate(values)
    ]
    asked = RecordEntries(actor=world.application, request_id="request", outcome_id=outcome_id, entries=entries)
    assert world.run(asked)


def catch_up(connect: Callable[[str], Connection[Any]]) -> None:
    with projecting(connect), connect("looking") as session:
        session.autocommit = True
        assert soon(lambda: session.execute(BEHIND.encode()).fetchall() == [(0,)], 60)


async def slopes(database: str, world: World, outcome_id: str) -> Slopes:
    async with AsyncConnectionPool(database, kwargs={"autocommit": True}, open=False) as connections:
        pool = QueryPool(connections, wait=10)
        question = ReadOutcome(actor=world.application, outcome_id=outcome_id)
        outcome = await OutcomesReader(pool, PARTITIONS).outcome(question)
        return (await AnalyticsReader(pool, PARTITIONS).summary(Values(outcome))).slopes


async def test_exact_slopes_are_answered_before_and_after_the_rebuild_and_after_going_back(
    database: str, world: World, connect: Callable[[str], Connection[Any]]
) -> None:
    with psycopg.connect(database) as connection:
        serve_as_before(connection, OutcomesV1())
        generations.prepare(connection)
        assert [("outcomes", 1, 2)] == [
            (each.view, each.live, each.latest) for each in generations.outdated_views(connection)
        ]
    outcome_id = world.id(world.outcome_of("steps", "steps"))
    enter(world, outcome_id, "flat", ["1", "0", "0"], ["0", "2", "0", "0", "0", "0"])
    enter(world, outcome_id, "rising", ["1", "0", "0"], ["0.3333333333333333333333333333333333334"])
    enter(world, outcome_id, "falling", ["1"], ["0.9999999999999999999999999999999999999"])
    expected = Slopes(subjects=3, rising=1, falling=1)
    catch_up(connect)
    assert expected == await slopes(database, world, outcome_id)
    with projecting(connect):
        operator = Operator(database, Path())
        assert 0 == operator.rebuild(["outcomes"], workers=1, accept_differences=False, anew=False)
    with psycopg.connect(database) as connection:
        assert [] == generations.outdated_views(connection)
    catch_up(connect)
    assert expected == await slopes(database, world, outcome_id)
    with projecting(connect):
        assert 0 == operator.roll_back("outcomes")
    assert expected == await slopes(database, world, outcome_id)


async def events_about(database: str, world: World, subject: str) -> list[str]:
    async with AsyncConnectionPool(database, kwargs={"autocommit": True}, open=False) as connections:
        reader = AuditReader(QueryPool(connections, wait=10), PARTITIONS)
        rows, _ = await reader.events(ListAuditEvents(actor=world.admin, subject=subject))
        return [row.event for row in rows]


async def test_the_audit_names_all_subjects_of_earlier_events_once_it_is_rebuilt(
    database: str, world: World, connect: Callable[[str], Connection[Any]]
) -> None:
    with psycopg.connect(database) as connection:
        serve_as_before(connection, AuditTrailV1())
        generations.prepare(connection)
        assert [("audit_trail", 1, 2)] == [
            (each.view, each.live, each.latest) for each in generations.outdated_views(connection)
        ]
    child, other = world.children(2)
    owner = Actor(world.id(world.register("educator")), "educator", frozenset())
    group_id = world.id(world.group(owner, "group", [child]))
    world.id(world.register("family", children=(child,)))
    world.run(world.revise(owner, group_id, children=(other,)), world.disband(owner, group_id))
    main = ["user.registered.v1"]
    catch_up(connect)
    assert main == await events_about(database, world, child)
    expected = {
        child: [*main, "group.formed.v1", "user.registered.v1", "group.revised.v1"],
        other: [*main, "group.revised.v1", "group.disbanded.v1"],
    }
    with projecting(connect):
        operator = Operator(database, Path())
        assert 0 == operator.rebuild(["audit_trail"], workers=1, accept_differences=False, anew=False)
        for subject, events in expected.items():
            assert events == await events_about(database, world, subject)
        assert 0 == operator.roll_back("audit_trail")
        assert main == await events_about(database, world, child)
        assert 0 == replay.check_log(database, as_json=True, compares=True)
