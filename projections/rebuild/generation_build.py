"""Fills a new generation from the log while the live one serves, with any number of workers."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct
from psycopg import Connection, Cursor

from domain.errors import GrowthringsError
from domain.partition import position
from projections import log, statements
from projections.projector import pages
from projections.projector.pages import Stored
from projections.rebuild.inline_views import Inline
from projections.views.generations import Generation
from projections.views.view import Tables, View, tables_of

SQL = statements.load(__file__, "rebuild")

PAGE = 10_000
"""Events in one transaction, approximately."""

CLAIM = 16
"""Partitions that a worker claims at once, at most. It claims no more than a quarter, to leave some to others."""


class RebuildRefused(GrowthringsError):
    """The operation is impossible, or impossible now; the message says why. The live generation is unchanged."""


class ViewGeneration(Struct, frozen=True):
    """A generation with the code of its view and its tables."""

    view: View
    generation: Generation
    tables: Tables

    def checkpoints(self, cursor: Cursor[Any], parts: Sequence[int]) -> dict[int, int]:
        return pages.checkpoints(cursor, self.generation, parts)

    def catch_up(self, cursor: Cursor[Any], checkpoints: Mapping[int, int], *, filling: bool = False) -> dict[int, int]:
        """Apply one page of the events up to `checkpoints`; returns the new checkpoints of the partitions that moved.

        An event that a view cannot apply parks its stream. An inline projection parks nothing: RebuildRefused.
        """
        parts = list(checkpoints)
        afters = self.checkpoints(cursor, parts)
        asked = {
            "parts": parts,
            "afters": [afters[part] for part in parts],
            "limits": list(checkpoints.values()),
            "topics": list(self.view.topics),
            "bytes": pages.BYTES,
        }
        page = [Stored(*row) for row in cursor.execute(pages.SQL["events_between"], asked)]
        reached = checkpoints_after(page, checkpoints)
        parked = pages.parked_streams(cursor, self.generation, parts)
        write = self.view.fill if filling else self.view.write
        try:
            with cursor.connection.transaction():
                left = pages.apply(cursor, self.view, self.tables, page, write, parked=parked, bisect=False)
        except Exception as error:
            if not pages.is_event_error(error):
                raise
            left = pages.apply(cursor, self.view, self.tables, page, write, parked=parked, bisect=True)
        if left and isinstance(self.view, Inline):
            (part, seq, _, topic, _), why = left[0]
            raise RebuildRefused(
                f"{self.view.name} cannot be rebuilt: it cannot apply {topic} at {position(part, seq)}: {why}"
            )
        pages.park(cursor, self.generation, left)
        pages.save_checkpoints(cursor, self.generation, reached)
        return reached


def checkpoints_after(page: Sequence[Stored], checkpoints: Mapping[int, int]) -> dict[int, int]:
    """The checkpoints after a page that was read up to `checkpoints`, in their order.

    A page that was cut short because of its bytes ends at its last event.
    """
    if sum(len(each.state) for each in page) < pages.BYTES:
        return dict(checkpoints)
    last = page[-1]
    parts = list(checkpoints)
    return {**{part: checkpoints[part] for part in parts[: parts.index(last.part)]}, last.part: last.seq}


def view_generation(view: View, generation: Generation) -> ViewGeneration:
    """Combine a generation with its view, inline or not."""
    tables = view.build_tables if isinstance(view, Inline) else tables_of(view, generation.generation)
    return ViewGeneration(view, generation, tables)


def prepare_session(connection: Connection[Any]) -> None:
    """Prepare a session that fills, compares or switches: its locks have a time limit, and its plans do not assume
    empty tables."""
    for statement in ("session", "session_check", "session_plans"):
        connection.execute(SQL[statement])


def fill(connection: Connection[Any], new: ViewGeneration) -> Iterator[int]:
    """Fill partitions that no other worker has claimed until none is left. Yields the number of events of each page.
    Any number of workers may do this at once. RebuildRefused."""
    with connection.cursor() as cursor:
        claim = min(CLAIM, -(-log.partition_count(cursor) // 4))
    while (done := _fill_page(connection, new, claim)) is not None:
        yield done


def _fill_page(connection: Connection[Any], new: ViewGeneration, claim: int) -> int | None:
    with connection.transaction(), connection.cursor() as cursor:
        targets = dict(cursor.execute(SQL["claim_partitions"], {**new.generation.key, "limit": claim}).fetchall())
        if not targets:
            return None
        # A statement of its own sees the checkpoints that another worker has just committed.
        checkpoints = new.checkpoints(cursor, list(targets))
        wanted = page_targets(checkpoints, targets)
        reached = new.catch_up(cursor, wanted, filling=True) if wanted else {}
        for part, checkpoint in reached.items():
            if checkpoint == targets[part]:
                new.view.complete(cursor, new.tables, part)
    return sum(checkpoint - checkpoints[part] for part, checkpoint in reached.items())


def page_targets(checkpoints: Mapping[int, int], targets: Mapping[int, int]) -> dict[int, int]:
    """The targets of one page in each partition, proportional to what is left, so that all partitions end together."""
    left = {part: targets[part] - checkpoint for part, checkpoint in checkpoints.items() if checkpoint < targets[part]}
    total = sum(left.values())
    return {
        part: checkpoints[part] + (events if total <= PAGE else -(-events * PAGE // total))
        for part, events in left.items()
    }
