"""How a generation grows beside the one that serves: pages of several partitions, by any number of workers."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct
from psycopg import Connection, Cursor

from projections import statements
from projections.projector import pages
from projections.projector.pages import Stored
from projections.rebuild.inline_views import Inline
from projections.views.generations import Generation
from projections.views.view import Tables, View, tables_of

SQL = statements.beside(__file__, "rebuild")

PAGE = 10_000
"""Events in one transaction, about."""

CLAIM = 16
"""Partitions that a worker grows at once, at most; and no more than a quarter of all, which leaves some to others."""


class RebuildRefused(Exception):
    """It cannot be done, or not now; the message says why, for a person. Nothing that serves has changed."""


class Growth(Struct, frozen=True):
    """A generation with the code and the tables that it grows by."""

    view: View
    generation: Generation
    tables: Tables

    def places(self, cursor: Cursor[Any], parts: Sequence[int]) -> dict[int, int]:
        return pages.places(cursor, self.generation, parts)

    def go_on(self, cursor: Cursor[Any], places: Mapping[int, int], *, grows: bool = False) -> dict[int, int]:
        """Apply one page of what comes up to a place of each partition; where that has led in those that moved. What
        cannot be applied is parked; in an inline projection there is no such thing: RebuildRefused."""
        parts = list(places)
        afters = self.places(cursor, parts)
        asked = {
            "parts": parts,
            "afters": [afters[part] for part in parts],
            "places": list(places.values()),
            "topics": list(self.view.topics),
            "bytes": pages.BYTES,
        }
        page = [Stored(*row) for row in cursor.execute(pages.SQL["between"], asked)]
        reached = reached_by(page, places)
        parked = pages.parked_streams(cursor, self.generation, parts)
        write = self.view.grow if grows else self.view.write
        try:
            with cursor.connection.transaction():
                left = pages.apply(cursor, self.view, self.tables, page, write, parked=parked, carefully=False)
        except Exception as error:
            if not pages.is_of_an_event(error):
                raise
            left = pages.apply(cursor, self.view, self.tables, page, write, parked=parked, carefully=True)
        if left and isinstance(self.view, Inline):
            (part, seq, _, topic, _), why = left[0]
            raise RebuildRefused(f"{self.view.name} cannot be made with {topic} at {part}-{seq}: {why}")
        pages.park(cursor, self.generation, left)
        pages.set_places(cursor, self.generation, reached)
        return reached


def reached_by(page: Sequence[Stored], places: Mapping[int, int]) -> dict[int, int]:
    """How far a page leads that was to go up to a place of each partition, in their order. A page that was cut short
    because of its bytes leads to its last event."""
    if sum(len(each.state) for each in page) < pages.BYTES:
        return dict(places)
    last = page[-1]
    parts = list(places)
    return {**{part: places[part] for part in parts[: parts.index(last.part)]}, last.part: last.seq}


def growth(view: View, generation: Generation) -> Growth:
    """Of a generation, of whatever sort its view is."""
    tables = view.growing if isinstance(view, Inline) else tables_of(view, generation.generation)
    return Growth(view, generation, tables)


def prepare_session(connection: Connection[Any]) -> None:
    """Of whoever grows, compares or switches: what it holds is not held for ever, and its plans are not those of empty
    tables."""
    for statement in ("session", "session_check", "session_plans"):
        connection.execute(SQL[statement])


def grow(connection: Connection[Any], new: Growth) -> Iterator[int]:
    """Grow partitions that nobody else is at, until there is none; the number of events of each page. Any number of
    workers may. RebuildRefused."""
    with connection.cursor() as cursor:
        claim = min(CLAIM, -(-pages.partitions(cursor) // 4))
    while (done := _grow_page(connection, new, claim)) is not None:
        yield done


def _grow_page(connection: Connection[Any], new: Growth, claim: int) -> int | None:
    with connection.transaction(), connection.cursor() as cursor:
        targets = dict(cursor.execute(SQL["claim"], {**new.generation.key, "limit": claim}).fetchall())
        if not targets:
            return None
        # In a statement of its own: they may have been another's until a moment ago.
        places = new.places(cursor, list(targets))
        wanted = slices(places, targets)
        reached = new.go_on(cursor, wanted, grows=True) if wanted else {}
        for part, place in reached.items():
            if place == targets[part]:
                new.view.settle(cursor, new.tables, part)
    return sum(place - places[part] for part, place in reached.items())


def slices(places: Mapping[int, int], targets: Mapping[int, int]) -> dict[int, int]:
    """How far to go in each partition with one page: as much of what is left, so that all end together."""
    left = {part: targets[part] - place for part, place in places.items() if place < targets[part]}
    total = sum(left.values())
    return {
        part: places[part] + (events if total <= PAGE else -(-events * PAGE // total)) for part, events in left.items()
    }
