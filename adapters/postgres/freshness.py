"""Waits until a view has seen everything that was acknowledged when a question came."""

import asyncio
import time
from collections.abc import Sequence

from adapters.postgres.pool import Pool
from application.writer import Unavailable
from projections import statements
from projections.projector import WAKE

SQL = statements.beside(__file__, "analytics")

FIRST_LOOK = 0.001
LAST_LOOK = 0.05
"""Seconds between looks at a view that is behind: the first, and the longest that it grows to."""


async def until_level(pool: Pool, view: str, parts: Sequence[int]) -> None:
    """Return when the live generation has reached where the log is now in these partitions. Unavailable when it stays
    behind."""
    deadline = time.monotonic() + pool.wait
    pause = FIRST_LOOK
    wanted: dict[int, int] = {}
    left = list(parts)
    while True:
        rows = await pool.rows(SQL["standing"], {"parts": left, "view": view})
        wanted = wanted or {part: head for part, head, _ in rows}
        left = [part for part, _, place in rows if place < wanted[part]]
        if not left:
            return
        behind = sum(wanted[part] - place for part, _, place in rows if place < wanted[part])
        if time.monotonic() > deadline:
            raise Unavailable(f"the view {view} is {behind} events behind")
        if pause == FIRST_LOOK:
            await pool.rows(WAKE, {})
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, LAST_LOOK)
