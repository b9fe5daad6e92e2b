"""What a view is: a function of a page of events that returns changes, and tables that take them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, LiteralString, Protocol

from psycopg import Cursor
from psycopg.sql import SQL, Identifier

from domain.event import Event

Tables = Mapping[str, Identifier]
"""The tables of a generation, by the names that questions and statements (`{name}`) call them."""


class View(Protocol):
    """Kept by the projector, partition by partition, in generations with tables of their own.

    Writing the same page twice leaves the same rows, and so does any interleaving of the partitions: a row belongs to
    the partition of its events.
    """

    name: str
    version: int
    tables: tuple[str, ...]
    topics: frozenset[str]
    """The names of the events that the view cares about; it is shown no others."""

    def create(self, cursor: Cursor[Any], tables: Tables) -> None:
        """Create the tables of a generation, with their indexes."""

    def write(self, cursor: Cursor[Any], tables: Tables, page: Sequence[tuple[int, Event]]) -> None:
        """Write what a page, of (partition, event) in the order of each partition, makes of the rows."""


def tables_of(view: View, generation: int) -> Tables:
    """The tables of a generation."""
    return {table: Identifier(f"{table}_g{generation}") for table in view.tables}


def run(
    cursor: Cursor[Any], statement: LiteralString, tables: Tables, rows: Iterable[Sequence[Any]] | None = None
) -> None:
    """Run a statement on the tables of a generation; of `rows` (not empty), the columns are its parameters."""
    columns = None if rows is None else [list(column) for column in zip(*rows, strict=True)]
    cursor.execute(SQL(statement).format(**tables), columns)
