"""The laws of every view: its rows are the same however the partitions of the log meet, wherever its pages end, when a
page comes twice, when two workers write at the same moment, and when it is grown beside the one that serves."""

import threading
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import Cursor, sql

from domain.partition import KEY_LENGTH
from projections.views.registry import VIEWS
from projections.views.view import Page, Tables, View, tables_of
from tests.projections.laws import (
    Log,
    concerning,
    logs,
    pages,
    relaxed,
    rows_after,
    rows_in,
    rows_of,
    tables_of_trial,
    whole,
)

every_view = pytest.mark.parametrize("view", VIEWS.latest.values(), ids=VIEWS.latest)


@every_view
@relaxed
@given(log=logs(), seed=st.integers(), twice=st.booleans())
def test_rows_do_not_depend_on_the_interleaving_of_partitions_on_pages_or_on_repeated_pages(
    cursor: Cursor[Any], view: View, log: Log, seed: int, twice: bool
) -> None:
    met = pages(log, seed)
    assert rows_of(cursor, view, whole(log)) == rows_of(cursor, view, [page for page in met for _ in range(1 + twice)])


@every_view
@relaxed
@given(log=logs())
def test_rows_do_not_depend_on_the_size_of_pages(cursor: Cursor[Any], view: View, log: Log) -> None:
    events = [each for page in whole(log) for each in page]
    assert rows_of(cursor, view, [events]) == rows_of(cursor, view, [[event] for event in events])


@every_view
@relaxed
@given(log=logs(), seed=st.integers())
def test_a_partition_that_is_filled_and_completed_has_the_rows_of_a_written_one(
    cursor: Cursor[Any], view: View, log: Log, seed: int
) -> None:
    def grow(tables: Tables) -> None:
        for page in concerning(view, pages(log, seed)):
            view.fill(cursor, tables, page)
        for part in log:
            view.complete(cursor, tables, part)

    assert rows_of(cursor, view, whole(log)) == rows_after(cursor, view, grow)


@every_view
@relaxed
@given(log=logs(), data=st.data())
def test_writing_a_partition_key_again_from_any_event_on_changes_nothing(
    cursor: Cursor[Any], view: View, log: Log, data: st.DataObject
) -> None:
    """A parked stream is retried so."""
    events = [each for page in whole(log) for each in page]
    first = data.draw(st.integers(0, len(events) - 1))
    key = events[first].event.originator_id[:KEY_LENGTH]
    again = [each for each in events[first:] if each.event.originator_id[:KEY_LENGTH] == key]
    assert rows_of(cursor, view, [events]) == rows_of(cursor, view, [events, again])


@every_view
@relaxed
@given(log=logs(), seed=st.integers())
def test_two_workers_that_write_at_the_same_moment_give_the_same_rows(
    tried_on: str, cursor: Cursor[Any], view: View, log: Log, seed: int
) -> None:
    tables = tables_of_trial(view)
    expected = rows_of(cursor, view, whole(log))
    with psycopg.connect(tried_on, autocommit=True) as connection, connection.cursor() as other:
        view.create(other, tables)
        try:
            together(tried_on, view, tables, concerning(view, pages(log, seed)))
            assert expected == rows_in(other, tables)
        finally:
            for table in tables.values():
                other.execute(sql.SQL("drop table {}").format(table))


def together(database: str, view: View, tables: Tables, shown: list[Page]) -> None:
    """Two workers, each with half of the partitions, who begin at the same moment."""
    begin = threading.Barrier(2, timeout=10)
    errors: list[Exception] = []

    def work(half: int) -> None:
        try:
            with psycopg.connect(database, autocommit=True) as connection, connection.cursor() as cursor:
                begin.wait()
                for page in shown:
                    mine = [each for each in page if each.part % 2 == half]
                    if mine:
                        with connection.transaction():
                            view.write(cursor, tables, mine)
        except Exception as error:
            errors.append(error)

    workers = [threading.Thread(target=work, args=[half]) for half in (0, 1)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [] == errors


@every_view
def test_a_row_belongs_to_the_partition_of_its_events(cursor: Cursor[Any], view: View) -> None:
    for table in tables_of(view, 1).values():
        leading = cursor.execute(
            "select a.attname from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]"
            " where i.indrelid = %s::regclass and i.indisprimary",
            (table.as_string(cursor),),
        ).fetchall()
        assert [("part",)] == leading
