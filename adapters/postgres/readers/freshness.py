"""Answers of views as of everything that was acknowledged when a question came, and that concerns it."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct
from psycopg import sql

from adapters.postgres.query_pool import QueryPool
from application.unavailable import Unavailable
from domain.entry import EntryRecorded
from projections import statements
from projections.projector.projector import WAKE
from projections.views.outcomes import Outcomes

SQL = statements.beside(__file__, "analytics")

PROGRESS = sql.SQL(SQL["standing"])

FIRST_PAUSE = 0.001
MAX_PAUSE = 0.05
"""Seconds between looks at a view that is behind: the first, and the longest that it grows to."""

MAX_UNSEEN_EVENTS = 5_000
"""Unseen events that are looked at one by one; when there are more, the question waits for all of them."""


class RequiredEvents(Struct, frozen=True):
    """What an answer rests on: the events of these partitions that the view has to have seen."""

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
    """Values of these sources, of one subject where it is given.

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


async def fresh_rows(
    pool: QueryPool, required: RequiredEvents, rows: sql.Composable, parameters: Mapping[str, Any]
) -> list[tuple[Any, ...]]:
    """The rows of a select, from a view that has seen what they rest on of all that is in the log now. Unavailable when
    it stays behind."""
    statement = sql.SQL(SQL["fresh"]).format(standing=PROGRESS, level=required.level, rows=rows)
    deadline = time.monotonic() + pool.wait
    ends: Sequence[int | None] = [None] * len(required.parts)
    while True:
        found = await pool.rows(statement, {**parameters, **required.parameters, "ends": ends})
        wanted, then = found[0][:2]
        if wanted is None:
            return [row[3:] for row in found if row[2]]
        if None in ends:
            ends = [then[str(part)] for part in required.parts]
        await _wait_for_view(pool, required.view, {int(part): seq for part, seq in wanted.items()}, deadline)


async def _wait_for_view(pool: QueryPool, view: str, wanted: dict[int, int], deadline: float) -> None:
    """Return when the view has come as far as `wanted`, by partition. Unavailable when it stays behind."""
    pause = FIRST_PAUSE
    while True:
        asked = {"parts": list(wanted), "ends": list(wanted.values()), "view": view}
        behind = {part: end - place for part, end, place in await pool.rows(PROGRESS, asked) if place < end}
        if not behind:
            return
        if time.monotonic() > deadline:
            raise Unavailable(f"the view {view} is {sum(behind.values())} events behind", kind="view")
        if pause == FIRST_PAUSE:
            await pool.rows(WAKE, {})
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, MAX_PAUSE)
        wanted = {part: wanted[part] for part in behind}
