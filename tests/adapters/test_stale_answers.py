"""Views commit asynchronously, so a crash of PostgreSQL may throw one back: then no question is answered with less."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import pytest
from psycopg import Connection
from psycopg_pool import AsyncConnectionPool

from adapters.postgres.query_pools import QueryPool
from adapters.postgres.readers.analytics import AnalyticsReader, Values
from adapters.postgres.readers.audit import AuditReader
from adapters.postgres.readers.outcomes import OutcomesReader
from application.queries.audit import ListAuditEvents
from application.queries.outcomes import ListEntries, OutcomeRow, ReadOutcome
from application.unavailable import Unavailable
from tests.adapters.rebuilding import BEHIND
from tests.adapters.world import World
from tests.conftest import PARTITIONS
from tests.projecting import projecting
from tests.running.processes import soon

TABLES = "entries_g1, subject_days_g1, subjects_g1, days_g1, audit_trail_g1"


class Crashing(QueryPool):
    """After some statements the views have lost all that they had seen."""

    left: int

    async def rows(self, statement: Any, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        found = await super().rows(statement, parameters)
        self.left -= 1
        if self.left:
            return found
        async with self._connections.connection() as connection:
            await connection.execute(f"truncate {TABLES}".encode())
            await connection.execute("delete from places")
        return found


Question = Callable[[QueryPool, World, OutcomeRow], Awaitable[Any]]


async def entries(pool: QueryPool, world: World, outcome: OutcomeRow) -> Any:
    reader = OutcomesReader(pool, PARTITIONS)
    found = await reader.entries(ListEntries(actor=world.application, outcome_id=outcome.id))
    return found.total, found.rows


def analysis(ask: Callable[[AnalyticsReader, Values], Awaitable[Any]]) -> Question:
    return lambda pool, _, outcome: ask(AnalyticsReader(pool, PARTITIONS), Values(outcome))


async def events(pool: QueryPool, world: World, outcome: OutcomeRow) -> Any:
    return await AuditReader(pool, PARTITIONS).events(ListAuditEvents(actor=world.admin, subject=outcome.id))


async def stream(pool: QueryPool, world: World, outcome: OutcomeRow) -> Any:
    return await AuditReader(pool, PARTITIONS).stream(outcome.id)


QUESTIONS: dict[str, Question] = {
    "entries": entries,
    "summary": analysis(lambda reader, values: reader.summary(values)),
    "series": analysis(lambda reader, values: reader.series(values, "day")),
    "means": analysis(lambda reader, values: reader.daily_means(values)),
    "changes": analysis(lambda reader, values: reader.changes(values, "arm")),
    "pairs": analysis(lambda reader, values: reader.pairs(values, values)),
    "events": events,
    "stream": stream,
}


@asynccontextmanager
async def connections(database: str) -> AsyncIterator[AsyncConnectionPool[Any]]:
    async with AsyncConnectionPool(database, kwargs={"autocommit": True}, open=False) as opened:
        yield opened


@pytest.mark.parametrize("ask", QUESTIONS.values(), ids=QUESTIONS)
@pytest.mark.parametrize("statements", [1, 2, 3])
async def test_a_view_that_a_crash_throws_back_amid_a_question_is_noticed(
    statements: int, ask: Question, database: str, world: World, connect: Callable[[str], Connection[Any]]
) -> None:
    outcome_id = world.id(world.outcome_of("steps", "steps"))
    assert world.run(world.entries(outcome_id, "anna", range(0, 96, 6)), world.entries(outcome_id, "ben", [1, 30]))
    with projecting(connect), psycopg.connect(database, autocommit=True) as session:
        assert soon(lambda: session.execute(BEHIND).fetchall() == [(0,)], 60)
    async with connections(database) as opened:
        calm = QueryPool(opened, wait=0.05)
        question = ReadOutcome(actor=world.application, outcome_id=outcome_id)
        outcome = await OutcomesReader(calm, PARTITIONS).outcome(question)
        answer = await ask(calm, world, outcome)
        assert answer
        try:
            crashing = Crashing(opened, wait=0.05)
            crashing.left = statements
            assert answer == await ask(crashing, world, outcome)
        except Unavailable as told:
            assert "view" == told.kind  # noqa: PT017
