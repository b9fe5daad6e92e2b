"""What a view is: a function of a page of events that returns changes, and tables that take them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, LiteralString, NamedTuple, Protocol

from psycopg import Cursor
from psycopg.sql import SQL, Identifier

from domain.event import Event

Tables = Mapping[str, Identifier]
"""The tables of a generation, by the names that questions and statements (`{name}`) call them."""


class Placed(NamedTuple):
    """An event at its position in the log."""

    part: int
    seq: int
    event: Event


Page = Sequence[Placed]
"""In the order of each partition."""


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

    def create(self, cursor: Cursor[Any], tables: Tables) -> None:
        """Create the tables of a generation, with the indexes that writing needs."""

    def index(self, cursor: Cursor[Any], tables: Tables) -> None:
        """Create the indexes that only questions need."""
        return

    def write(self, cursor: Cursor[Any], tables: Tables, page: Page) -> None:
        """Write what a page makes of the rows."""

    def grow(self, cursor: Cursor[Any], tables: Tables, page: Page) -> None:
        """The same in a partition that nobody reads yet; what can be made at the end is left to `settle`. No page comes
        twice."""
        self.write(cursor, tables, page)

    def settle(self, cursor: Cursor[Any], tables: Tables, part: int) -> None:
        """Make what `grow` has left out of a partition."""
        return


def tables_of(view: View, generation: int) -> Tables:
    """The tables of a generation."""
    return {table: Identifier(f"{table}_g{generation}") for table in view.tables}


def run(
    cursor: Cursor[Any], statement: LiteralString, tables: Tables, rows: Iterable[Sequence[Any]] | None = None
) -> None:
    """Run a statement on the tables of a generation; of `rows` (not empty), the columns are its parameters."""
    columns = None if rows is None else [list(column) for column in zip(*rows, strict=True)]
    cursor.execute(SQL(statement).format(**tables), columns)


def copy(
    cursor: Cursor[Any],
    statement: LiteralString,
    tables: Tables,
    types: Sequence[str],
    rows: Iterable[Sequence[Any]],
) -> None:
    """Run a COPY into a table of a generation; `types` of its columns."""
    with cursor.copy(SQL(statement).format(**tables)) as copying:
        copying.set_types(types)
        for row in rows:
            copying.write_row(row)
