"""Waits until a view has seen everything that was acknowledged when a question came, and that concerns it."""

import asyncio
import time
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct
from psycopg import sql

from adapters.postgres.pool import Pool
from application.unavailable import Unavailable
from projections import statements
from projections.outcomes import Outcomes
from projections.projector import WAKE

SQL = statements.beside(__file__, "analytics")

UNSEEN = sql.SQL(SQL["unseen"]).format(standing=sql.SQL(SQL["standing"]))
CONCERNS = sql.SQL(SQL["concerns"])

FIRST_LOOK = 0.001
LAST_LOOK = 0.05
"""Seconds between looks at a view that is behind: the first, and the longest that it grows to."""

MOST = 5_000
"""Unseen events that are looked at one by one; when there are more, the question waits for all of them."""


class Grounds(Struct, frozen=True):
    """What an answer rests on: values of these sources, in these partitions, of one subject where it is told.

    `kinds`: of the measurements that are among them.
    """

    parts: Sequence[int]
    sources: Sequence[str]
    kinds: Sequence[str] = ()
    subject_id: str | None = None

    @property
    def parameters(self) -> dict[str, Any]:
        """Of `unseen` and `concerns`."""
        return {
            "parts": list(self.parts),
            "sources": list(self.sources),
            "kinds": list(self.kinds),
            "of_subject": self.subject_id,
            "view": Outcomes.name,
            "topics": list(Outcomes.topics),
            "most": MOST,
        }


async def until_level(pool: Pool, view: str, parts: Iterable[int]) -> None:
    """Return when the live generation has reached where the log is now in these partitions. Unavailable when it stays
    behind."""
    deadline = time.monotonic() + pool.wait
    await _until(pool, view, await _unreached(pool, view, parts), deadline)


async def until_seen(pool: Pool, grounds: Grounds) -> None:
    """Return when the view `outcomes` has seen what an answer rests on, of all that is in the log now. Unavailable when
    it stays behind."""
    deadline = time.monotonic() + pool.wait
    rows = await pool.rows(sql.SQL(SQL["concerning"]).format(concerns=CONCERNS, unseen=UNSEEN), grounds.parameters)
    if sum(unseen for _, unseen, _ in rows) < MOST:
        wanted = {part: last for part, _, last in rows if last}
    else:
        wanted = await _unreached(pool, Outcomes.name, grounds.parts)
    await _until(pool, Outcomes.name, wanted, deadline)


async def _until(pool: Pool, view: str, wanted: dict[int, int], deadline: float) -> None:
    """`wanted`: by partition, up to where the view must have come."""
    pause = FIRST_LOOK
    while wanted:
        rows = await _standing(pool, view, wanted)
        behind = {part: wanted[part] - place for part, _, place in rows if place < wanted[part]}
        if not behind:
            return
        if time.monotonic() > deadline:
            raise Unavailable(f"the view {view} is {sum(behind.values())} events behind", kind="view")
        if pause == FIRST_LOOK:
            await pool.rows(WAKE, {})
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, LAST_LOOK)
        wanted = {part: wanted[part] for part in behind}


async def _unreached(pool: Pool, view: str, parts: Iterable[int]) -> dict[int, int]:
    """Of the partitions in which the view is behind, where the log is now."""
    return {part: head for part, head, place in await _standing(pool, view, parts) if place < head}


async def _standing(pool: Pool, view: str, parts: Iterable[int]) -> list[tuple[Any, ...]]:
    return await pool.rows(SQL["standing"], {"parts": list(parts), "view": view})
