"""Queries about outcomes, from the directory, and about their entries, from the view."""

from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any

from msgspec.structs import replace
from psycopg import sql

from adapters.postgres.query_pools import QueryPool
from adapters.postgres.readers import lists
from adapters.postgres.readers.actor import actor_row
from adapters.postgres.readers.freshness import RequiredValueEvents, fresh_rows
from application import permissions
from application.command import Actor
from application.queries.outcomes import (
    EntryRow,
    ListEntries,
    ListOutcomes,
    OutcomeRow,
    ReadOutcome,
    Slice,
)
from application.queries.query import Page
from domain.outcome import TITLE
from domain.partition import partition, partition_key
from domain.refusal import NotFound
from projections import statements
from projections.views.outcomes import Outcomes

SQL = statements.load(__file__, "outcomes")


OUTCOME_KEYS: lists.Keys = [("o.id", True)]
ENTRY_KEYS: lists.Keys = [("e.at", True), ("e.id", True)]


class OutcomesReader:
    """Every query raises UserGone if the actor is no longer registered in its role."""

    def __init__(self, pool: QueryPool, partitions: int) -> None:
        self._pool = pool
        self._partitions = partitions

    async def outcomes(self, query: ListOutcomes) -> Page[OutcomeRow]:
        members = {"brand_id": query.brand_id, "metric_key": query.metric_key}
        return await self._outcomes(query.actor, members, query.slice)

    async def outcome(self, query: ReadOutcome) -> OutcomeRow:
        """NotFound."""
        page = await self._outcomes(query.actor, {"id": query.outcome_id}, Slice(limit=1))
        if not page.rows:
            raise NotFound(TITLE)
        return page.rows[0]

    async def _outcomes(self, actor: Actor, members: Mapping[str, str | None], slice: Slice) -> Page[OutcomeRow]:
        """Outcomes with these members; None matches any value."""
        told = {name: value for name, value in members.items() if value is not None}
        conditions = {"condition": equal("o", told), "rest": lists.rest(slice, OUTCOME_KEYS)}
        asked = {**told, "actor_id": actor.id, **lists.parameters(slice)}
        rows = await self._pool.rows(lists.with_list(SQL["outcomes"], conditions), asked)
        permissions.check_there(actor, actor_row(rows[0][0]))
        return lists.page(slice, [row[1:] for row in rows], _outcome, lambda row: (row.id,))

    async def entries(self, query: ListEntries) -> Page[EntryRow]:
        """NotFound if there is no such outcome; Unavailable if the view stays behind."""
        await self.outcome(ReadOutcome(actor=query.actor, outcome_id=query.outcome_id))
        told = {"source": query.outcome_id}
        if query.subject_id is not None:
            told["subject_id"] = query.subject_id
        condition = sql.SQL(" and ").join((equal("e", told), in_period(query.period.start, query.period.end)))
        conditions = {"condition": condition, "rest": lists.rest(query.slice, ENTRY_KEYS)}
        asked = {
            **told,
            "start": query.period.start,
            "end": query.period.end,
            **lists.parameters(query.slice),
        }
        parts = parts_of(query.subject_id, self._partitions)
        required = RequiredValueEvents(Outcomes.name, parts, sources=[query.outcome_id], subject_id=query.subject_id)
        rows = await fresh_rows(self._pool, required, lists.with_list(SQL["entries"], conditions), asked)
        return lists.page(query.slice, rows, _entry, lambda row: (row.recorded_at, row.id))


def parts_of(subject_id: str | None, partitions: int) -> list[int]:
    """The partition of a subject's events; all partitions without a subject."""
    return list(range(partitions)) if subject_id is None else [partition(partition_key(subject_id), partitions)]


def equal(table: str, members: Mapping[str, Any]) -> sql.Composable:
    """The condition that each column equals the parameter of its name."""
    return sql.SQL(" and ").join(
        (
            sql.SQL("true"),
            *(sql.SQL("{} = {}").format(sql.Identifier(table, name), sql.Placeholder(name)) for name in members),
        )
    )


def in_period(start: object, end: object) -> sql.Composable:
    """The condition that a value is at or after `start` and before `end`; None is open."""
    bounds = [sql.SQL("true")]
    if start is not None:
        bounds.append(sql.SQL("e.at >= %(start)s"))
    if end is not None:
        bounds.append(sql.SQL("e.at < %(end)s"))
    return sql.SQL(" and ").join(bounds)


def _outcome(row: Sequence[Any]) -> OutcomeRow:
    told = OutcomeRow(*row)
    return replace(told, created_at=told.created_at.astimezone(UTC), updated_at=told.updated_at.astimezone(UTC))


def _entry(row: Sequence[Any]) -> EntryRow:
    told = EntryRow(*row)
    return replace(told, recorded_at=told.recorded_at.astimezone(UTC))
