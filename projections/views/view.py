"""The protocol of a view: it folds pages of events into changes and writes them into tables of its own."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, LiteralString, NamedTuple, Protocol

from psycopg import Cursor
from psycopg.sql import SQL, Identifier

from domain.event import Event
from projections import rows as in_one_message

Tables = Mapping[str, Identifier]
"""Plain table name, as queries and statements (`{name}`) use it → table of a generation."""


class PositionedEvent(NamedTuple):
    """An event at its position in the log."""

    part: int
    seq: int
    event: Event


Page = Sequence[PositionedEvent]
"""Events in the order of their partition."""

Row = tuple[Any, ...]
"""The columns of a table in order. The key comes first, so that tuples sort like rows."""


class ExpectedRows(Protocol):
    """Computes, without a database, the rows that the events of one partition lead to. The rows of each table come in
    the order of its key."""

    def add_page(self, page: Sequence[tuple[int, Event]]) -> Mapping[str, Iterable[Row]]:
        """Add the next events, each as (seq, event), including those of other views. Returns the rows by table that are
        final now. Raises any error where `write` would fail."""

    def remaining(self) -> Mapping[str, Iterable[Row]]:
        """After the last event: all other rows by table."""


class Changes(Protocol):
    """The changes of one table, folded event by event."""

    def add(self, part: int, event: Event) -> None: ...

    def in_order(self) -> Iterator[Row]: ...


class FoldedRows(ExpectedRows):
    """Computes the rows of one table by folding the whole partition."""

    def __init__(self, table: str, part: int, changes: Changes) -> None:
        self._table, self._part, self._changes = table, part, changes

    def add_page(self, page: Sequence[tuple[int, Event]]) -> Mapping[str, Iterable[Row]]:
        part, add = self._part, self._changes.add
        for _, event in page:
            add(part, event)
        return {}

    def remaining(self) -> Mapping[str, Iterable[Row]]:
        return {self._table: self._changes.in_order()}


class View(Protocol):
    """Maintained by projectors, partition by partition, in generations with tables of their own.

    Writing a page twice leaves the same rows, and so does any interleaving of the partitions. A row belongs to the
    partition of its events (`part` is its first column) and derives from events of a single partition key.
    """

    name: str
    version: int
    """Raised with every change of the tables or their rows. The code of an older version stays as long as a generation
    of that version exists."""

    tables: tuple[str, ...]
    topics: frozenset[str]
    """Stored names of the events that the view applies; it gets no others."""

    shown: Mapping[str, LiteralString] = {}
    """Plain name → a `select` that queries see under it instead of the table. An older version uses it to offer the
    columns that the queries of the latest version expect."""

    stored_rows: Mapping[str, LiteralString] = {}
    """Table → the `select` of its rows in one partition (`part`), in the order of its key."""

    derived: Mapping[str, LiteralString] = {}
    """Table → the `select` of all its rows, computed from the other tables and from the derived tables before it."""

    def expected_rows(self, part: int) -> ExpectedRows | None:
        """Computes the rows that `write` leads to in one partition; None if only a rebuild can tell."""
        return None

    def create(self, cursor: Cursor[Any], tables: Tables) -> None:
        """Create the tables of a generation with the indexes that `write` needs."""

    def index(self, cursor: Cursor[Any], tables: Tables) -> None:
        """Create the indexes that only queries need."""
        return

    def write(self, cursor: Cursor[Any], tables: Tables, page: Page) -> None:
        """Apply a page to the tables."""

    def fill(self, cursor: Cursor[Any], tables: Tables, page: Page) -> None:
        """Like `write`, while a rebuild fills a partition: no page comes twice; derived tables wait for `complete`."""
        self.write(cursor, tables, page)

    def complete(self, cursor: Cursor[Any], tables: Tables, part: int) -> None:
        """Write the derived tables of a partition that `fill` has filled."""
        for table, rows in self.derived.items():
            settled = SQL("insert into {} select t.* from ({}) t where t.part = %(part)s")
            cursor.execute(settled.format(tables[table], SQL(rows).format(**tables)), {"part": part})


def tables_of(view: View, generation: int) -> Tables:
    """Plain table name → table of a generation."""
    return {table: Identifier(f"{table}_g{generation}") for table in view.tables}


def run(
    cursor: Cursor[Any], statement: LiteralString, tables: Tables, rows: Iterable[Sequence[Any]] | None = None
) -> None:
    """Run a statement on the tables of a generation; the columns of `rows`, if given, are its parameters. `rows` must
    not be empty.

    A statement with rows is prepared first, as in `insert`: otherwise the server could wait for them without a time
    limit.
    """
    columns = None if rows is None else [list(column) for column in zip(*rows, strict=True)]
    cursor.execute(SQL(statement).format(**tables), columns, prepare=None if rows is None else True)


def insert(
    cursor: Cursor[Any],
    statement: LiteralString,
    tables: Tables,
    types: Sequence[str],
    rows: Iterable[Sequence[Any]],
) -> None:
    """Insert rows into a table of a generation. `types`: of its columns."""
    in_one_message.insert(cursor, SQL(statement).format(**tables), types, rows)
