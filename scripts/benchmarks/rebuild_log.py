"""The log for the rebuild benchmark: the events of a programme, copied into `events` as the service stores them."""

from collections.abc import Iterable, Iterator
from itertools import islice

import psycopg
from rich.progress import Progress

from domain.catalogue import encode
from domain.event import Event
from domain.partition import partition
from scripts.benchmarks.rebuild_programme import Programme

PARTITIONS = 64
PAGE = 20_000
"""Events per COPY."""
COPY = "copy events (part, seq, originator_id, originator_version, topic, state) from stdin (format binary)"
TYPES = ("int2", "int8", "text", "int4", "text", "bytea")

Row = tuple[int, int, str, int, str, bytes]
"""A row of the table `events`."""


class Log:
    """A log that contains only the events of a programme."""

    def __init__(self, programme: Programme, partitions: int = PARTITIONS) -> None:
        self._programme = programme
        self._seqs = [0] * partitions

    def __len__(self) -> int:
        return sum(self._seqs)

    def grow(self, number: int) -> Iterator[Row]:
        """The rows of the next `number` events, and of the rest of the last command, in the order of recording."""
        return map(self._row, self._programme.take(number))

    def _row(self, event: Event) -> Row:
        part = partition(event.originator_id, len(self._seqs))
        self._seqs[part] += 1
        version = event.originator_version
        return part, self._seqs[part], event.originator_id, version, event.stored_name, encode(event)


def fill(conninfo: str, log: Log, number: int, progress: Progress) -> None:
    """Append `number` events to the table, page by page."""
    task = progress.add_task("events", total=number)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        rows = log.grow(number)
        while page := list(islice(rows, PAGE)):
            _copy(connection, page)
            progress.advance(task, len(page))
        connection.execute("vacuum (analyze) events")  # as autovacuum would do soon
    progress.remove_task(task)


def _copy(connection: psycopg.Connection, page: Iterable[Row]) -> None:
    with connection.cursor() as cursor, cursor.copy(COPY) as copy:
        copy.set_types(TYPES)
        for row in page:
            copy.write_row(row)
