"""Reads of views that include every relevant event acknowledged before the query (read your writes)."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct
from psycopg import sql

from adapters.postgres.query_pools import QueryPool
from application.unavailable import Unavailable
from domain.entry import EntryRecorded
from projections import statements
from projections.projector.projector import WAKE
from projections.views.outcomes import Outcomes

SQL = statements.load(__file__, "analytics")

PROGRESS = sql.SQL(SQL["standing"])

FIRST_PAUSE = 0.001
MAX_PAUSE = 0.05
"""Seconds between two checks of a view that is behind: at first, and at most."""

MAX_UNSEEN_EVENTS = 5_000
"""Events beyond the view's checkpoint that are checked for relevance; if there are more, the query waits for all."""


class RequiredEvents(Struct, frozen=True):
    """The events that an answer depends on: all events of some partitions."""

    view: str
    parts: Sequence[int]

    @property
    def level(self) -> sql.Composable:
        """The common table expression `level`, and those that it needs."""
        return sql.SQL(SQL["level_with_all"])

    @property
    def parameters(self) -> dict[str, Any]:
        return {"parts": list(self.parts), "view": self.view}


class RequiredValueEvents(RequiredEvents, frozen=True, kw_only=True):
    """The events of some sources, of one subject or of all.

    `kinds`: of the measurements that are among them. `adds_entries`: the answer adds the entries that the view has not
    seen.
    """

    sources: Sequence[str]
    kinds: Sequence[str] = ()
    subject_id: str | None = None
    adds_entries: bool = False

    @property
    def level(self) -> sql.Composable:
        return sql.SQL(SQL["level_with_what_concerns"]).format(concerns=sql.SQL(SQL["concerns"]))

    @property
    def parameters(self) -> dict[str, Any]:
        return {
            "parts": list(self.parts),
            "view": self.view,
            "of_sources": list(self.sources),
            "of_kinds": list(self.kinds),
            "of_subject": self.subject_id,
            "topics": list(Outcomes.topics),
            "added": [EntryRecorded.stored_name] if self.adds_entries else [],
            "most": MAX_UNSEEN_EVENTS,
        }


class ViewWait:
    """The wait of one query for a view that is behind the log; at most as long as the pool waits."""

    def __init__(self, pool: QueryPool, view: str) -> None:
        self._pool = pool
        self._view = view
        self._deadline = time.monotonic() + pool.wait
        self._pause = FIRST_PAUSE

    def restart(self) -> None:
        """Begin with the shortest pause again; the time limit stays."""
        self._pause = FIRST_PAUSE

    async def pause(self, events_behind: int) -> None:
        """Let some time pass, and wake the projectors the first time. Unavailable after the time limit."""
        if time.monotonic() > self._deadline:
            raise Unavailable(f"the view {self._view} is {events_behind} events behind", kind="view")
        if self._pause == FIRST_PAUSE:
            await self._pool.rows(WAKE, {})
        await asyncio.sleep(self._pause)
        self._pause = min(self._pause * 1.5, MAX_PAUSE)


async def fresh_rows(
    pool: QueryPool, required: RequiredEvents, rows: sql.Composable, parameters: Mapping[str, Any]
) -> list[tuple[Any, ...]]:
    """The rows of a select, read from the view once it includes all required events that are in the log now.

    Unavailable if it stays behind.
    """
    statement = sql.SQL(SQL["fresh"]).format(standing=PROGRESS, level=required.level, rows=rows)
    wait = ViewWait(pool, required.view)
    ends: Sequence[int | None] = [None] * len(required.parts)
    while True:
        found = await pool.rows(statement, {**parameters, **required.parameters, "ends": ends})
        wanted, then = found[0][:2]
        if wanted is None:
            return [row[3:] for row in found if row[2]]
        if None in ends:
            ends = [then[str(part)] for part in required.parts]
        wait.restart()
        await _wait_for_view(required.view, {int(part): seq for part, seq in wanted.items()}, wait, pool)


async def _wait_for_view(view: str, wanted: dict[int, int], wait: ViewWait, pool: QueryPool) -> None:
    """Return when the view has come as far as `wanted`, by partition. Unavailable if it stays behind."""
    while True:
        parameters = {"parts": list(wanted), "ends": list(wanted.values()), "view": view}
        behind = {part: end - place for part, end, place in await pool.rows(PROGRESS, parameters) if place < end}
        if not behind:
            return
        await wait.pause(sum(behind.values()))
        wanted = {part: wanted[part] for part in behind}
