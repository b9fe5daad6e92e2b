"""What is kept beside the log, and whether it is what the log says, partition by partition.

The rows that the events come to are told in memory, and compared with those that are kept, in the order of their keys.
Where they are not the same, and for a view that tells none, the partition is grown anew in tables that only this
session sees: what differs is found as in a rebuild.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from math import copysign
from typing import Any

from msgspec import Struct
from psycopg import Connection, Cursor, ServerCursor, sql
from psycopg.sql import Identifier

from domain.event import Event
from projections import statements
from projections.projector import pages
from projections.rebuild.comparison import Difference, differences, in_partition
from projections.rebuild.inline_views import TEMPORARY, DedupeIndex, Directory
from projections.verification.histories import Partition
from projections.views.generations import Generation, all_of
from projections.views.registry import VIEWS, Views
from projections.views.view import Expected, Page, Placed, Row, Tables, View, tables_of

SQL = statements.beside(__file__, "replay")

CHUNK = 5_000
"""Rows that are compared at once."""

MOST = 64 * 1024 * 1024
"""Bytes of large events of a partition up to which its rows are worked out in memory."""

END = 2**63 - 1
"""A place after every event."""

_FLOAT8 = 701
"""PostgreSQL's number of the type."""

Told = Mapping[str, Iterable[Row]]


class Kept(Struct, frozen=True):
    """A projection in its tables. `live` is None for an inline projection, which is always at the end of the log.

    `grown` are the tables in which it is grown anew, where it has to be.
    """

    view: View
    live: Generation | None
    tables: Tables
    grown: Tables

    def place(self, cursor: Cursor[Any], part: int) -> int:
        return END if self.live is None else pages.places(cursor, self.live, [part])[part]

    def expected(self, looked_at: Partition, part: int) -> Expected | None:
        return _Index(looked_at) if isinstance(self.view, DedupeIndex) else self.view.expected(part)


class _Index(Expected):
    """The dedupe index, from the keys that streams hold: the partition has looked at each event itself."""

    def __init__(self, looked_at: Partition) -> None:
        self._looked_at = looked_at

    def take(self, page: Sequence[tuple[int, Event]]) -> Told:
        return {}

    def rest(self) -> Told:
        return {"dedupe_index": self._looked_at.holders()}


def all_kept(connection: Connection[Any], views: Views = VIEWS) -> list[Kept]:
    """Every inline projection, and the live generation of every view of which there is code."""
    ((schema,),) = connection.execute(SQL["schema"]).fetchall()
    kept = []
    for view in (DedupeIndex(TEMPORARY), Directory(TEMPORARY)):
        serving = {table: Identifier(schema, table) for table in view.tables}
        kept.append(Kept(view, None, serving, view.growing))
    for live in all_of(connection):
        code = views.of(live.view, live.version)
        if live.live and code is not None:
            grown = {table: Identifier(TEMPORARY, f"{table}_replayed") for table in code.tables}
            kept.append(Kept(code, live, tables_of(code, live.generation), grown))
    return kept


class Beside:
    """One projection beside one partition of the log, in one transaction of one moment."""

    def __init__(self, connection: Connection[Any], kept: Kept, looked_at: Partition, part: int) -> None:
        self.kept = kept
        self._connection, self._part, self._looked_at = connection, part, looked_at
        with connection.cursor() as cursor:
            self.place = kept.place(cursor, part)
        self._expected = kept.expected(looked_at, part)
        self._rows: dict[str, ServerCursor[Any]] = {}
        self._is_same = True

    def take(self, page: Sequence[tuple[int, Event]]) -> None:
        """Go on with the next events, each after its seq; those after its place it has not seen."""
        if self._looked_at.large > MOST and not isinstance(self._expected, _Index):
            self._expected = None  # its rows would fill the memory: it is grown in temporary tables instead
        if page and page[-1][0] > self.place:
            page = [each for each in page if each[0] <= self.place]
        self._attempt(lambda expected: self._follow(expected.take(page)))

    def is_same(self) -> bool:
        """After the last event: whether all rows are known to be what the log says, to the last bit."""
        self._attempt(lambda expected: self._follow(expected.rest()) and self._is_over() and self._is_derived())
        self.close()
        return self._is_same and self._expected is not None

    def close(self) -> None:
        """Read no further."""
        for rows in self._rows.values():
            rows.close()

    def _attempt(self, compare: Callable[[Expected], bool]) -> None:
        if self._expected is None or not self._is_same:
            return
        try:
            self._is_same = compare(self._expected)
        except Exception as error:
            if not pages.is_of_an_event(error):
                raise
            self._is_same = False  # growing it tells why

    def _follow(self, told: Told) -> bool:
        """Whether the next rows of each table are these."""
        for table, rows in told.items():
            kept, rest = self._rows_of(table), iter(rows)
            while some := list(islice(rest, CHUNK)):
                if not _is_same(kept, kept.fetchmany(len(some)), some):
                    return False
        return True

    def _is_over(self) -> bool:
        return not any(self._rows_of(table).fetchmany(1) for table in self.kept.view.kept)

    def _is_derived(self) -> bool:
        """Whether what follows from rows that are as they must be does."""
        for table, statement in self.kept.view.derived.items():
            derived = {table: sql.SQL("({})").format(sql.SQL(statement).format(**self.kept.tables))}
            in_part = sql.SQL("t.part = {}").format(self._part)
            with self._connection.transaction():
                if list(differences(self._connection, self.kept.tables, derived, self._part, in_part)):
                    return False
        return True

    def _rows_of(self, table: str) -> ServerCursor[Any]:
        if table not in self._rows:
            rows = self._rows[table] = self._connection.cursor(table, binary=True)
            rows.execute(sql.SQL(self.kept.view.kept[table]).format(**self.kept.tables), {"part": self._part})
        return self._rows[table]

    def differences(
        self, partitions: int, log: Iterable[Page], refused: Callable[[Placed, str], None]
    ) -> Iterator[Difference]:
        """Grow the partition anew from the events that it has seen of those it cares about, and compare: what differs.
        `refused` is told what cannot be written, and why."""
        view, grown = self.kept.view, self.kept.grown
        with self._connection.cursor() as cursor:
            view.create(cursor, grown)
            for page in log:
                seen = [each for each in page if each.seq <= self.place]
                for placed, why in _grow(cursor, view, grown, seen):
                    refused(placed, why)
            view.settle(cursor, grown, self._part)
        in_part = in_partition(view, self._part, partitions)
        yield from differences(self._connection, self.kept.tables, grown, self._part, in_part)


def _is_same(cursor: ServerCursor[Any], kept: list[Row], told: list[Row]) -> bool:
    """Also of 0.0 and -0.0, which are equal."""
    if kept != told:
        return False
    floats = [place for place, column in enumerate(cursor.description or ()) if column.type_code == _FLOAT8]
    return all(_signs_of_zeros(kept, place) == _signs_of_zeros(told, place) for place in floats)


def _signs_of_zeros(rows: list[Row], place: int) -> list[float]:
    column = [row[place] for row in rows]
    return [copysign(1, value) for value in column if value == 0] if 0.0 in column else []


def _grow(cursor: Cursor[Any], view: View, tables: Tables, page: Page) -> Iterator[tuple[Placed, str]]:
    """What cannot be written, and why."""
    if not page:
        return
    try:
        with cursor.connection.transaction():
            view.grow(cursor, tables, page)
    except Exception as error:
        if not pages.is_of_an_event(error):
            raise
        if len(page) == 1:
            yield page[0], pages.told(error)
            return
        half = len(page) // 2
        yield from _grow(cursor, view, tables, page[:half])
        yield from _grow(cursor, view, tables, page[half:])
