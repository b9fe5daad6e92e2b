"""What a view is: a function of a page of events that returns changes, and a table that takes them."""

from collections.abc import Sequence
from typing import Any, Protocol

from psycopg import Cursor
from psycopg.sql import Identifier

from domain.event import Event


class View(Protocol):
    """Kept by the projector, partition by partition, in generations with a table each.

    Writing the same page twice leaves the same rows, and so does any interleaving of the partitions: a row belongs to
    the partition of its events.
    """

    name: str
    version: int
    topics: frozenset[str]
    """The names of the events that the view cares about; it is shown no others."""

    def create(self, cursor: Cursor[Any], table: Identifier) -> None:
        """Create the table of a generation, with its indexes."""

    def write(self, cursor: Cursor[Any], table: Identifier, page: Sequence[tuple[int, Event]]) -> None:
        """Write what a page, of (partition, event) in the order of each partition, makes of the rows."""


def table_of(view: str, generation: int) -> Identifier:
    """The table of a generation."""
    return Identifier(f"{view}_g{generation}")
