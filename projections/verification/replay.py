"""Replays the log: checks every history and dedupe key, and compares the rows of every projection.

One pass reads partition by partition, each in one snapshot. Memory holds the progress of the streams of a partition.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime
from functools import partial
from typing import Any

from psycopg import Connection, sql
from psycopg.sql import Identifier

from domain.catalogue import decode
from projections import log, statements
from projections.projector import pages
from projections.rebuild.comparison import lies_in
from projections.verification.histories import PartitionHistories, Report, Stored, readable
from projections.verification.stored_rows import RowComparison, StoredRows
from projections.views.view import Page, PositionedEvent, Tables, View

SQL = statements.load(__file__, "replay")

PAGE = 5_000
"""Events read at once."""

SCHEMA = "replayed"
"""The schema of tables into which a view is replayed."""


def replay(
    connection: Connection[Any], part: int, partitions: int, report: Report, kept: Sequence[StoredRows] = ()
) -> Iterator[int]:
    """Replay a partition and compare its projections. Yields the number of events of each page.

    `connection` must be in autocommit.
    """
    # The rollback removes the temporary tables.
    with connection.transaction(force_rollback=True):
        for statement in ("snapshot", "time_zone"):
            connection.execute(SQL[statement])
        yield from _replay(connection, part, partitions, report, kept)


def _replay(
    connection: Connection[Any], part: int, partitions: int, report: Report, kept: Sequence[StoredRows]
) -> Iterator[int]:
    histories = PartitionHistories(part, partitions, report)
    comparisons = [
        RowComparison(connection, each, histories, part) for each in kept if lies_in(each.view, part, partitions)
    ]
    with ExitStack() as reading:
        for each in comparisons:
            reading.callback(each.close)
        for stored in stored_pages(connection, part):
            page = histories.add_page(stored)
            for each in comparisons:
                each.add_page(page)
            yield len(stored)
        histories.end()
        for each in comparisons:
            if each.kept.live is not None and each.checkpoint > histories.last:
                report.is_ahead(each.kept.view.name, part, each.checkpoint)
            if not each.is_same():
                view = each.kept.view
                log = (readable(part, stored, view.topics) for stored in stored_pages(connection, part))
                for difference in each.differences(partitions, log, partial(report.cannot_take, view.name)):
                    report.differs(view.name, difference)


def stored_pages(connection: Connection[Any], part: int, limit: int = PAGE) -> Iterator[list[Stored]]:
    after = 0
    with connection.cursor(binary=True) as cursor:
        while page := cursor.execute(SQL["events_after"], page_after(part, after, limit, pages.BYTES)).fetchall():
            yield page
            after = page[-1][0]


def page_after(part: int, after: int, limit: int, most: int) -> dict[str, int]:
    """Parameters of the statement `events_after`: at most `limit` events after a seq, with about `most` bytes of
    states."""
    return {"part": part, "after": after, "limit": limit, "bytes": most}


def replay_tables(view: View) -> Tables:
    """The tables into which a view is replayed for inspection."""
    return {table: Identifier(SCHEMA, table) for table in view.tables}


def fill_into(connection: Connection[Any], view: View, known_at: datetime) -> Iterator[int]:
    """Rebuild a view from the events recorded by a time, in tables that replace those of an earlier replay. Yields
    the number of events of each page."""
    tables = replay_tables(view)
    with connection.cursor() as cursor:
        with connection.transaction():
            cursor.execute(sql.SQL("create schema if not exists {}").format(Identifier(SCHEMA)))
            for table in tables.values():
                cursor.execute(sql.SQL("drop table if exists {}").format(table))
            view.create(cursor, tables)
        for part in log.partitions(connection):
            with connection.transaction():
                for page in _pages(connection, part):
                    known = [each for each in page if each.event.origin.recorded_at <= known_at]
                    concern = [each for each in known if each.event.stored_name in view.topics]
                    if concern:
                        view.fill(cursor, tables, concern)
                    yield len(page)
                    if len(known) < len(page):
                        break  # later events were recorded later
                view.complete(cursor, tables, part)
        view.index(cursor, tables)


def _pages(connection: Connection[Any], part: int) -> Iterator[Page]:
    for stored in stored_pages(connection, part):
        yield [PositionedEvent(part, seq, decode(topic, state)) for seq, _, _, topic, state in stored]
