"""The whole log read again: whether every history is one that its aggregate can have, no key is held twice, and what is
kept beside the log is what it says.

One pass, partition by partition, each as of one moment; memory holds what the streams of one partition have come to.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from psycopg import Connection, Cursor, sql
from psycopg.sql import Identifier

from domain.catalogue import decode
from projections import pages, statements
from projections.comparison import Difference, differences, in_partition
from projections.generations import Generation, all_of
from projections.histories import Partition, Report
from projections.inline import TEMPORARY, DedupeIndex, Directory
from projections.view import Page, Placed, Tables, View, tables_of
from projections.views import VIEWS, Views

SQL = statements.beside(__file__, "replay")

PAGE = 5_000
"""Events that are read at once."""

SCHEMA = "replayed"
"""Of tables that a view is replayed into."""

END = 2**63 - 1
"""A place after every event."""


class Kept:
    """A projection that is kept beside the log, and the same grown anew in tables that only this session sees."""

    def __init__(self, view: View, live: Generation | None, kept: Tables, tables: Tables) -> None:
        """`live` is None for an inline projection, which is always at the end of the log."""
        self.view, self._live, self._kept, self._tables = view, live, kept, tables

    def create(self, cursor: Cursor[Any]) -> None:
        self.view.create(cursor, self._tables)

    def place(self, cursor: Cursor[Any], part: int) -> int:
        return END if self._live is None else pages.places(cursor, self._live, [part])[part]

    def grow(self, cursor: Cursor[Any], page: Page) -> Iterator[tuple[Placed, str]]:
        """Write what it cares about; what cannot be written, and why."""
        yield from self._grow(cursor, [each for each in page if each.event.stored_name in self.view.topics])

    def _grow(self, cursor: Cursor[Any], page: Page) -> Iterator[tuple[Placed, str]]:
        if not page:
            return
        try:
            with cursor.connection.transaction():
                self.view.grow(cursor, self._tables, page)
        except Exception as error:
            if not pages.is_of_an_event(error):
                raise
            if len(page) == 1:
                yield page[0], pages.told(error)
                return
            half = len(page) // 2
            yield from self._grow(cursor, page[:half])
            yield from self._grow(cursor, page[half:])

    def differences(self, cursor: Cursor[Any], part: int, partitions: int) -> Iterator[Difference]:
        self.view.settle(cursor, self._tables, part)
        in_part = in_partition(self.view, part, partitions)
        yield from differences(cursor.connection, self._kept, self._tables, part, in_part)


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
            tables = {table: Identifier(TEMPORARY, f"{table}_replayed") for table in code.tables}
            kept.append(Kept(code, live, tables_of(code, live.generation), tables))
    return kept


def replay(connection: Connection[Any], report: Report, kept: Sequence[Kept] = ()) -> Iterator[int]:
    """Read all partitions, and compare what is kept beside them; the events of each page, as it is done.

    `connection` is in autocommit.
    """
    parts = [part for (part,) in connection.execute(SQL["parts"])]
    with connection.cursor() as cursor:
        for each in kept:
            each.create(cursor)
        for part in parts:
            # What is grown is gone with the transaction: the tables are empty again for the next partition.
            with connection.transaction(force_rollback=True):
                cursor.execute(SQL["snapshot"])
                yield from _replay(cursor, part, len(parts), report, kept)


def _replay(cursor: Cursor[Any], part: int, partitions: int, report: Report, kept: Sequence[Kept]) -> Iterator[int]:
    places = [(each, each.place(cursor, part)) for each in kept]
    looked_at = Partition(part, partitions, report)
    after = 0
    while page := cursor.execute(SQL["page"], {"part": part, "after": after, "limit": PAGE}).fetchall():
        read = [(row[0], looked_at.take(*row)) for row in page]
        events = [Placed(part, seq, event) for seq, event in read if event is not None]
        for each, place in places:
            for placed, why in each.grow(cursor, [placed for placed in events if placed.seq <= place]):
                report.cannot_take(each.view.name, placed, why)
        after = page[-1][0]
        yield len(page)
    looked_at.end()
    for each, _ in places:
        for difference in each.differences(cursor, part, partitions):
            report.differs(each.view.name, difference)


def replayed(view: View) -> Tables:
    """The tables into which a view is replayed, for looking at."""
    return {table: Identifier(SCHEMA, table) for table in view.tables}


def grow_into(connection: Connection[Any], view: View, known_at: datetime) -> Iterator[int]:
    """Grow a view from what had been recorded at a time into tables of its own, in place of those of an earlier replay;
    the events of each page, as it is done."""
    tables = replayed(view)
    parts = [part for (part,) in connection.execute(SQL["parts"])]
    with connection.cursor() as cursor:
        with connection.transaction():
            cursor.execute(sql.SQL("create schema if not exists {}").format(Identifier(SCHEMA)))
            for table in tables.values():
                cursor.execute(sql.SQL("drop table if exists {}").format(table))
            view.create(cursor, tables)
        for part in parts:
            with connection.transaction():
                for page in _pages(cursor, part):
                    known = [each for each in page if each.event.origin.recorded_at <= known_at]
                    concern = [each for each in known if each.event.stored_name in view.topics]
                    if concern:
                        view.grow(cursor, tables, concern)
                    yield len(page)
                    if len(known) < len(page):
                        break  # what comes after was recorded later
                view.settle(cursor, tables, part)
        view.index(cursor, tables)


def _pages(cursor: Cursor[Any], part: int) -> Iterator[list[Placed]]:
    after = 0
    while rows := cursor.execute(SQL["page"], {"part": part, "after": after, "limit": PAGE}).fetchall():
        yield [Placed(part, seq, decode(topic, state)) for seq, _, _, topic, state in rows]
        after = rows[-1][0]
