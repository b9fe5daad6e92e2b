"""What a view is: a function of a page of events that returns changes, and tables that take them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, LiteralString, NamedTuple, Protocol

from psycopg import Cursor
from psycopg.sql import SQL, Identifier

from domain.event import Event
from projections import rows as in_one_message

Tables = Mapping[str, Identifier]
"""The tables of a generation, by the names that questions and statements (`{name}`) call them."""


class PositionedEvent(NamedTuple):
    """An event at its position in the log."""

    part: int
    seq: int
    event: Event


Page = Sequence[PositionedEvent]
"""In the order of each partition."""

Row = tuple[Any, ...]
"""The columns of a table, in their order. Tables begin with their key, so that rows sort by it as tuples do."""


class ExpectedRows(Protocol):
    """The rows that the events of one partition come to, told without a database. Those of each table come in the order
    of its key."""

    def add_page(self, page: Sequence[tuple[int, Event]]) -> Mapping[str, Iterable[Row]]:
        """Go on with the next events, each after its seq: the rows of each table that are told now. Events that the
        view does not care about are among them. Where `write` would fail, any error."""

    def remaining(self) -> Mapping[str, Iterable[Row]]:
        """After the last event: all other rows."""


class Changes(Protocol):
    """What a page makes of one table, folded event by event."""

    def add(self, part: int, event: Event) -> None: ...

    def in_order(self) -> Iterator[Row]: ...


class FoldedRows(ExpectedRows):
    """The rows of one table, as if the whole partition had come in one page."""

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
    """Kept by projectors, partition by partition, in generations with tables of their own.

    Writing the same page twice leaves the same rows, and so does any interleaving of the partitions: a row belongs to
    the partition of its events (`part` is its first column), and comes from events of one partition key.
    """

    name: str
    version: int
    """Higher with every change of the tables, or of what is written into them. While a generation of an older version
    lives, its code stays beside the newer one's."""

    tables: tuple[str, ...]
    topics: frozenset[str]
    """The names of the events that the view cares about; it is shown no others."""

    shown: Mapping[str, LiteralString] = {}
    """What questions see under a name, where that is not the table itself. This is how an older version looks to the
    questions of the latest one: a `select` of the columns that these ask for, from `{table}`."""

    stored_rows: Mapping[str, LiteralString] = {}
    """Table → the `select` of its rows in one partition (`part`), in the order of its key."""

    derived: Mapping[str, LiteralString] = {}
    """Tables that follow from the others and from those before them: the `select` of all that they must hold."""

    def expected_rows(self, part: int) -> ExpectedRows | None:
        """What `write` makes of the events of one partition; None where only tables that are grown can tell."""
        return None

    def create(self, cursor: Cursor[Any], tables: Tables) -> None:
        """Create the tables of a generation, with the indexes that writing needs."""

    def index(self, cursor: Cursor[Any], tables: Tables) -> None:
        """Create the indexes that only questions need."""
        return

    def write(self, cursor: Cursor[Any], tables: Tables, page: Page) -> None:
        """Write what a page makes of the rows."""

    def fill(self, cursor: Cursor[Any], tables: Tables, page: Page) -> None:
        """Like `write`, while a rebuild fills a partition: no page comes twice; derived tables wait for `complete`."""
        self.write(cursor, tables, page)

    def complete(self, cursor: Cursor[Any], tables: Tables, part: int) -> None:
        """Make what `fill` has left out of a partition: what follows from the other tables."""
        for table, rows in self.derived.items():
            settled = SQL("insert into {} select t.* from ({}) t where t.part = %(part)s")
            cursor.execute(settled.format(tables[table], SQL(rows).format(**tables)), {"part": part})


def tables_of(view: View, generation: int) -> Tables:
    """The tables of a generation."""
    return {table: Identifier(f"{table}_g{generation}") for table in view.tables}


def run(
    cursor: Cursor[Any], statement: LiteralString, tables: Tables, rows: Iterable[Sequence[Any]] | None = None
) -> None:
    """Run a statement on the tables of a generation; of `rows` (not empty), the columns are its parameters."""
    columns = None if rows is None else [list(column) for column in zip(*rows, strict=True)]
    cursor.execute(SQL(statement).format(**tables), columns)


def insert(
    cursor: Cursor[Any],
    statement: LiteralString,
    tables: Tables,
    types: Sequence[str],
    rows: Iterable[Sequence[Any]],
) -> None:
    """Insert rows into a table of a generation; `types` of its columns."""
    in_one_message.insert(cursor, SQL(statement).format(**tables), types, rows)
