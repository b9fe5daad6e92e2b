"""Answers of the audit: the trail from the view, facts and states from the log itself."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct
from psycopg import sql

from adapters.postgres import asker
from adapters.postgres.freshness import Grounds, fresh
from adapters.postgres.pool import Pool
from application import permissions
from application.queries.audit import CURSOR, KNOWN_AT, AuditRow, Fact, ListAuditEvents
from domain import history
from domain.catalogue import decode
from domain.event import Event
from domain.partition import partition
from domain.refusal import BadFilter, NotFound
from domain.secret import blanked
from projections import statements
from projections.audit_trail import AuditTrail

SQL = statements.beside(__file__, "audit")
ACCOUNTS = statements.beside(__file__, "accounts")

TITLE = "Stream"

_ENVELOPE = frozenset(Event.__struct_fields__)


class Stored(Struct, frozen=True):
    """A fact as the log has it."""

    part: int
    seq: int
    event: Event


class AuditReader:
    """Every answer is Unavailable while the view stays behind."""

    def __init__(self, pool: Pool, partitions: int) -> None:
        self._pool = pool
        self._partitions = partitions
        self._grounds = Grounds(AuditTrail.name, range(partitions))

    async def events(self, query: ListAuditEvents) -> list[AuditRow]:
        """UserGone; BadFilter of a place in a partition that there is not."""
        rows = await self._pool.rows(ACCOUNTS["asker"], {"actor_id": query.actor.id})
        permissions.check_there(query.actor, asker.row(rows[0][0] if rows else None))
        parts = range(self._partitions)
        if any(part not in parts for part in query.places):
            raise BadFilter("after", CURSOR)
        conditions, told = _conditions(query)
        asked = {
            **told,
            "seqs": [query.places.get(part, 0) for part in parts],
            "limit": query.limit,
        }
        rows = await fresh(self._pool, self._grounds, sql.SQL(SQL["events"]).format(condition=conditions), asked)
        return [_row(row) for row in rows]

    async def stream(self, id: str) -> str:
        """The stream that an id of the API names. NotFound, also where it names several: withdrawals have no id."""
        rows = [] if "\0" in id else await fresh(self._pool, self._grounds, sql.SQL(SQL["streams"]), {"id": id})
        if len(rows) != 1:
            raise NotFound(TITLE)
        return str(rows[0][1])

    async def facts(self, stream: str) -> list[Stored]:
        """Of a stream, in order."""
        part = partition(stream, self._partitions)
        rows = await self._pool.rows(SQL["facts"], {"part": part, "stream": stream})
        return [Stored(part, seq, decode(topic, state)) for part, seq, topic, state in rows]

    async def now(self) -> datetime:
        """By the clock that recording goes by."""
        now: datetime = (await self._pool.rows(SQL["now"], {}))[0][0]
        return now.astimezone(UTC)

    async def known(self, stream: str, known_at: datetime | None) -> tuple[datetime, list[Stored]]:
        """When that is (None: now), and the facts that were recorded until then, which will always be the same.
        BadFilter for a time to come."""
        now = await self.now()
        known_at = now if known_at is None else known_at
        if known_at > now:
            raise BadFilter("known_at", KNOWN_AT)
        await self._pool.rows(SQL["what_is_written"], {"part": partition(stream, self._partitions)})
        facts = await self.facts(stream)
        return known_at, [each for each in facts if each.event.origin.recorded_at <= known_at]


def told(facts: Sequence[Stored]) -> list[Fact]:
    """Facts with the state after each, as JSON without secrets."""
    states = history.states([each.event for each in facts])
    return [
        Fact(each.part, each.seq, each.event, _values(each.event), shown(state))
        for each, state in zip(facts, states, strict=True)
    ]


def shown(state: Any) -> dict[str, Any] | None:
    """A state as JSON, without secrets."""
    return None if state is None else blanked(msgspec.to_builtins(state))


def _values(event: Event) -> dict[str, Any]:
    """What an event says besides what all of them say."""
    return blanked({name: value for name, value in msgspec.to_builtins(event).items() if name not in _ENVELOPE})


def _conditions(query: ListAuditEvents) -> tuple[sql.Composable, dict[str, Any]]:
    told = {
        "actor_id": query.actor_id,
        "events": None if query.events is None else sorted(query.events),
        "request_id": query.request_id,
        "subject": query.subject,
        "stream": query.stream,
        "start": query.start,
        "end": query.end,
    }
    told = {name: value for name, value in told.items() if value is not None}
    return sql.SQL(" and ").join(_CONDITIONS[name] for name in ("", *told)), told


_CONDITIONS: dict[str, sql.Composable] = {
    "": sql.SQL("true"),
    "actor_id": sql.SQL("t.actor_id = %(actor_id)s"),
    "events": sql.SQL("t.event = any(%(events)s)"),
    "request_id": sql.SQL("t.request_id = %(request_id)s"),
    "subject": sql.SQL("(t.subject_id = %(subject)s or t.outcome_id = %(subject)s)"),
    "stream": sql.SQL("(t.name = %(stream)s or t.stream = %(stream)s)"),
    "start": sql.SQL("t.recorded_at >= %(start)s"),
    "end": sql.SQL("t.recorded_at < %(end)s"),
}
"""What each parameter asks of a row `t`."""


def _row(row: Iterable[Any]) -> AuditRow:
    found = AuditRow(*row)
    return msgspec.structs.replace(
        found, happened_at=found.happened_at.astimezone(UTC), recorded_at=found.recorded_at.astimezone(UTC)
    )
