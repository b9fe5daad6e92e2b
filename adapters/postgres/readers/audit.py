"""Answers of the audit: the trail from the view, facts and states from the log itself.

Facts are decoded in threads: earlier versions took large ones, and metadata so deep that only a thread's stack has room
for it.
"""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Sequence
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any

import msgspec
from psycopg import sql

from adapters.postgres.query_pools import QueryPool
from adapters.postgres.readers import lists
from adapters.postgres.readers.actor import check_actor
from adapters.postgres.readers.freshness import RequiredEvents, fresh_rows
from application.queries.audit import CURSOR, KNOWN_AT, AuditRow, Fact, ListAuditEvents
from domain import history
from domain.catalogue import decode, names_of, recorded_at
from domain.event import Event
from domain.history import Aggregate
from domain.partition import partition
from domain.refusal import BadFilter, NotFound
from domain.secret import blanked
from projections import statements
from projections.projector import pages
from projections.views.audit_trail import AuditTrail
from projections.views.view import PositionedEvent

SQL = statements.load(__file__, "audit")

TITLE = "Stream"

PAGE = 1_000
"""Facts of a stream that are read at once, at most."""

_ENVELOPE = frozenset(Event.__struct_fields__)


class AuditReader:
    """Every query raises Unavailable if the view stays behind the event log."""

    def __init__(self, pool: QueryPool, partitions: int) -> None:
        self._pool = pool
        self._partitions = partitions
        self._required = RequiredEvents(AuditTrail.name, range(partitions))

    async def events(self, query: ListAuditEvents) -> tuple[list[AuditRow], bool]:
        """A page, and whether its size limit cut it. UserGone; BadFilter for a cursor of an unknown partition."""
        await check_actor(self._pool, query.actor)
        parts = range(self._partitions)
        if any(part not in parts for part in query.places):
            raise BadFilter("after", CURSOR)
        statement, asked = events_statement(query, self._partitions)
        rows = await fresh_rows(self._pool, self._required, statement, asked)
        return [_row(row[1:]) for row in rows], bool(rows) and len(rows) < rows[0][0]

    async def stream(self, id: str) -> str:
        """The stream of an id of the API. NotFound if there is none, or more than one: withdrawals have no id."""
        rows = [] if "\0" in id else await fresh_rows(self._pool, self._required, sql.SQL(SQL["streams"]), {"id": id})
        if len(rows) != 1:
            raise NotFound(TITLE)
        return str(rows[0][1])

    async def facts(self, stream: str) -> AsyncIterator[PositionedEvent]:
        """The facts of a stream in order, with those of other streams that change its aggregate: the removal of a child
        ends its measurements, and takes it out of groups and families."""
        part = partition(stream, self._partitions)
        elsewhere: list[PositionedEvent] = []
        asked: set[str] = {stream}
        last = 0
        while page := await self._facts("facts", part, stream=stream, after=last, limit=PAGE, bytes=pages.BYTES):
            streams = set().union(*(history.streams_elsewhere(each.event) for each in page)) - asked
            if streams:
                asked |= streams
                topics = list(names_of(history.ELSEWHERE))
                found = await self._facts("facts_elsewhere", part, streams=list(streams), topics=topics, after=last)
                elsewhere = sorted([*elsewhere, *found], key=attrgetter("seq"))
            for fact in page:
                while elsewhere and elsewhere[0].seq < fact.seq:
                    yield elsewhere.pop(0)
                yield fact
            last = page[-1].seq
        for fact in elsewhere:
            yield fact

    async def _facts(self, name: str, part: int, **parameters: Any) -> list[PositionedEvent]:
        rows = await self._pool.rows(SQL[name], {"part": part, **parameters})
        return await asyncio.to_thread(_stored, rows)

    async def known(self, stream: str, known_at: datetime | None) -> datetime:
        """A time for `known_at` whose answer can never change: at most now, or the time of the partition's last event.

        None means the latest such time. BadFilter for a later one.
        """
        part = {"part": partition(stream, self._partitions)}
        ((now,),) = await self._pool.rows(SQL["now"], {})
        await self._pool.rows(SQL["what_is_written"], part)
        last = await self._pool.rows(SQL["last"], part)
        latest = max([now.astimezone(UTC), *(recorded_at(state) for (state,) in last)])
        if known_at is not None and known_at > latest:
            raise BadFilter("known_at", KNOWN_AT)
        return latest if known_at is None else known_at


def _stored(rows: Iterable[Sequence[Any]]) -> list[PositionedEvent]:
    return [PositionedEvent(part, seq, decode(topic, state)) for part, seq, topic, state in rows]


async def states(facts: AsyncIterable[PositionedEvent]) -> AsyncIterator[tuple[PositionedEvent, Any]]:
    """Each fact with the state of its aggregate after it."""
    aggregate: Aggregate | None = None
    state: Any = None
    is_first = True
    async for fact in facts:
        if is_first:
            aggregate, is_first = history.aggregate_of([fact.event]), False
        state = None if aggregate is None else aggregate.fold((fact.event,), state)
        yield fact, state


def fact_with_state(fact: PositionedEvent, state: Any) -> Fact:
    """A fact and the state after it, as JSON without secrets."""
    return Fact(fact.part, fact.seq, fact.event, _values(fact.event), without_secrets(state))


def without_secrets(state: Any) -> dict[str, Any] | None:
    """A state as JSON, without secrets."""
    return None if state is None else blanked(msgspec.to_builtins(state))


def _values(event: Event) -> dict[str, Any]:
    """The members of an event beyond those that all events have."""
    return blanked({name: value for name, value in msgspec.to_builtins(event).items() if name not in _ENVELOPE})


def events_statement(query: ListAuditEvents, partitions: int) -> tuple[sql.Composed, dict[str, Any]]:
    """The statement of a page, without its parameter `parts`, and its other parameters."""
    values = {
        "actor_id": query.actor_id,
        "events": None if query.events is None else sorted(query.events),
        "request_id": query.request_id,
        "stream": query.stream,
        "start": query.start,
        "end": query.end,
    }
    values = {name: value for name, value in values.items() if value is not None}
    conditions = [_CONDITIONS[name] for name in values]
    if query.subject is None:
        choices: Iterable[list[sql.SQL]] = [conditions]
    else:
        choices = [[about, *conditions] for about in _ABOUT]
        values["subject"] = query.subject
    found = sql.SQL(" union ").join(_found(choice) for choice in choices)
    paging = {
        "seqs": [query.places.get(part, 0) for part in range(partitions)],
        "limit": query.limit,
        "bytes": lists.BYTES,
    }
    return sql.SQL(SQL["events"]).format(found=found, cut=lists.CUT), {**values, **paging}


def _found(conditions: Sequence[sql.SQL]) -> sql.Composed:
    return sql.SQL(SQL["found"]).format(condition=sql.SQL(" and ").join(conditions or [sql.SQL("true")]))


_CONDITIONS: dict[str, sql.SQL] = {
    "actor_id": sql.SQL("t.actor_id = %(actor_id)s"),
    "events": sql.SQL("t.event = any(%(events)s)"),
    "request_id": sql.SQL("t.request_id = %(request_id)s"),
    "stream": sql.SQL("(t.name = %(stream)s or t.stream = %(stream)s)"),
    "start": sql.SQL("t.recorded_at >= %(start)s"),
    "end": sql.SQL("t.recorded_at < %(end)s"),
}
"""The condition on a row `t` for each query parameter."""

_ABOUT = (
    sql.SQL("t.subject_id = %(subject)s"),
    sql.SQL("t.outcome_id = %(subject)s"),
    sql.SQL(
        "t.seq in (select s.seq from audit_subjects s"
        " where s.part = c.part and s.subject_id = %(subject)s and s.seq > c.seq)"
    ),
)
"""An event is about a subject if one of these is true."""


def _row(row: Iterable[Any]) -> AuditRow:
    found = AuditRow(*row)
    return msgspec.structs.replace(
        found, happened_at=found.happened_at.astimezone(UTC), recorded_at=found.recorded_at.astimezone(UTC)
    )
