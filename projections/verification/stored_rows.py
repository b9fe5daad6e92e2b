"""Compares the stored rows of every projection with those that the log leads to, partition by partition.

Expected rows are computed in memory and compared with the stored rows in the order of their keys. Where they differ,
and for a view that computes no expected rows, the partition is rebuilt in temporary tables, and the differences are
found as in a rebuild.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from math import copysign
from typing import Any

from msgspec import Struct
from psycopg import Connection, Cursor, ServerCursor, sql
from psycopg.sql import Identifier

from domain.event import Event
from projections import log
from projections.bisection import failures
from projections.projector import pages
from projections.rebuild.comparison import Difference, differences, in_partition
from projections.rebuild.inline_views import TEMPORARY, DedupeIndex, Directory
from projections.verification.histories import PartitionHistories
from projections.views.generations import Generation, all_generations
from projections.views.registry import VIEWS, Views
from projections.views.view import ExpectedRows, Page, PositionedEvent, Row, Tables, View, tables_of

CHUNK = 5_000
"""Rows compared at once."""

MEMORY_LIMIT = 64 * 1024 * 1024
"""Bytes of large events of a partition up to which its rows are computed in memory."""

END = 2**63 - 1
"""A checkpoint after every possible event."""

_FLOAT8 = 701
"""PostgreSQL's OID of the type."""

RowsByTable = Mapping[str, Iterable[Row]]


class StoredRows(Struct, frozen=True):
    """A projection with its tables. `live` is None for an inline projection, which is always at the end of the log.

    `built`: temporary tables for a rebuild of a partition.
    """

    view: View
    live: Generation | None
    tables: Tables
    built: Tables

    def checkpoint(self, cursor: Cursor[Any], part: int) -> int:
        return END if self.live is None else pages.checkpoints(cursor, self.live, [part])[part]

    def expected_rows(self, histories: PartitionHistories, part: int) -> ExpectedRows | None:
        return _ExpectedIndex(histories) if isinstance(self.view, DedupeIndex) else self.view.expected_rows(part)


class _ExpectedIndex(ExpectedRows):
    """The rows of the dedupe index, which PartitionHistories tracks itself."""

    def __init__(self, histories: PartitionHistories) -> None:
        self._histories = histories

    def add_page(self, page: Sequence[tuple[int, Event]]) -> RowsByTable:
        return {}

    def remaining(self) -> RowsByTable:
        return {"dedupe_index": self._histories.holders()}


def all_projections(connection: Connection[Any], views: Views = VIEWS) -> list[StoredRows]:
    """Every inline projection, and the live generation of every view that this release knows."""
    schema = log.current_schema(connection)
    kept = []
    for view in (DedupeIndex(TEMPORARY), Directory(TEMPORARY)):
        serving_tables = {table: Identifier(schema, table) for table in view.tables}
        kept.append(StoredRows(view, None, serving_tables, view.build_tables))
    for live in all_generations(connection):
        code = views.of(live.view, live.version)
        if live.live and code is not None:
            built = {table: Identifier(TEMPORARY, f"{table}_replayed") for table in code.tables}
            kept.append(StoredRows(code, live, tables_of(code, live.generation), built))
    return kept


class RowComparison:
    """Compares one projection with one partition of the log in one snapshot."""

    def __init__(self, connection: Connection[Any], kept: StoredRows, histories: PartitionHistories, part: int) -> None:
        self.kept = kept
        self._connection, self._part, self._histories = connection, part, histories
        with connection.cursor() as cursor:
            self.checkpoint = kept.checkpoint(cursor, part)
        self._expected = kept.expected_rows(histories, part)
        self._rows: dict[str, ServerCursor[Any]] = {}
        self._is_same = True

    def add_page(self, page: Sequence[tuple[int, Event]]) -> None:
        """Add the next events as (seq, event). Events after the checkpoint are ignored."""
        if self._histories.large > MEMORY_LIMIT and not isinstance(self._expected, _ExpectedIndex):
            self._expected = None  # its rows would fill the memory: use temporary tables instead
        if page and page[-1][0] > self.checkpoint:
            page = [each for each in page if each[0] <= self.checkpoint]
        self._attempt(lambda expected: self._follow(expected.add_page(page)))

    def is_same(self) -> bool:
        """After the last event: whether all rows are known to be equal, bit by bit."""
        self._attempt(lambda expected: self._follow(expected.remaining()) and self._is_over() and self._is_derived())
        self.close()
        return self._is_same and self._expected is not None

    def close(self) -> None:
        """Close the cursors on the stored rows."""
        for rows in self._rows.values():
            rows.close()

    def _attempt(self, compare: Callable[[ExpectedRows], bool]) -> None:
        if self._expected is None or not self._is_same:
            return
        try:
            self._is_same = compare(self._expected)
        except Exception as error:
            if not pages.is_event_error(error):
                raise
            self._is_same = False  # the rebuild of the partition reports the error

    def _follow(self, expected: RowsByTable) -> bool:
        """Whether the next stored rows of each table equal these."""
        for table, rows in expected.items():
            kept, remaining = self._rows_of(table), iter(rows)
            while some := list(islice(remaining, CHUNK)):
                if not _is_same(kept, kept.fetchmany(len(some)), some):
                    return False
        return True

    def _is_over(self) -> bool:
        return not any(self._rows_of(table).fetchmany(1) for table in self.kept.view.stored_rows)

    def _is_derived(self) -> bool:
        """Whether the derived tables follow from the other tables."""
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
            rows.execute(sql.SQL(self.kept.view.stored_rows[table]).format(**self.kept.tables), {"part": self._part})
        return self._rows[table]

    def differences(
        self, partitions: int, log: Iterable[Page], refused: Callable[[PositionedEvent, str], None]
    ) -> Iterator[Difference]:
        """Rebuild the partition up to the checkpoint in temporary tables, and compare. `refused` is called with every
        event that cannot be written and its error."""
        view, built = self.kept.view, self.kept.built
        with self._connection.cursor() as cursor:
            view.create(cursor, built)
            for page in log:
                seen = [each for each in page if each.seq <= self.checkpoint]
                for placed, why in _fill(cursor, view, built, seen):
                    refused(placed, why)
            view.complete(cursor, built, self._part)
        in_part = in_partition(view, self._part, partitions)
        yield from differences(self._connection, self.kept.tables, built, self._part, in_part)


def _is_same(cursor: ServerCursor[Any], kept: list[Row], expected: list[Row]) -> bool:
    """Whether rows are equal, with 0.0 and -0.0 as different values."""
    if kept != expected:
        return False
    floats = [index for index, column in enumerate(cursor.description or ()) if column.type_code == _FLOAT8]
    return all(_signs_of_zeros(kept, index) == _signs_of_zeros(expected, index) for index in floats)


def _signs_of_zeros(rows: list[Row], index: int) -> list[float]:
    column = [row[index] for row in rows]
    return [copysign(1, value) for value in column if value == 0] if 0.0 in column else []


def _fill(cursor: Cursor[Any], view: View, tables: Tables, page: Page) -> Iterator[tuple[PositionedEvent, str]]:
    """Fill tables with a page. Yields the events that cannot be written, each with its error."""

    def attempt(events: Page) -> None:
        with cursor.connection.transaction():
            view.fill(cursor, tables, events)

    for event, error in failures(page, attempt, pages.is_event_error):
        yield event, pages.error_text(error)
