"""Logs at random, and what a view makes of their pages: what the laws of every view are tried on."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from psycopg import Cursor, sql
from psycopg.sql import Identifier

from domain.event import Event
from projections.views.view import Page, PositionedEvent, Tables, View
from tests.application.people import People
from tests.application.world import World
from tests.fakes import FakeLog

relaxed = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)

Log = dict[int, list[Event]]
"""The events of each partition, in its order."""


@st.composite
def logs(draw: st.DrawFn) -> Log:
    """What a few groups of commands at random leave in the partitions of a log."""
    log = FakeLog(partitions=4)
    world = World(log)
    people = People(world)
    for sort in draw(st.lists(st.sampled_from(people.sorts), min_size=1, max_size=15)):
        command = sort(draw)
        (answer,) = world.run(command)
        people.model.answer(command, answer)
        people.take_in(command, answer)
    return log.events


def pages(log: Log, seed: int) -> list[Page]:
    """The events of all partitions, each in its order, met at random and cut into pages at random."""
    random = Random(seed)
    left = {page[0].part: list(page) for page in whole(log) if page}
    found: list[list[PositionedEvent]] = [[]]
    while left:
        part = random.choice(sorted(left))
        found[-1].append(left[part].pop(0))
        if not left[part]:
            del left[part]
        if random.random() < 0.3:
            found.append([])
    return list(found)


def whole(log: Log) -> list[Page]:
    """Each partition as one page."""
    return [[PositionedEvent(part, seq, event) for seq, event in enumerate(events, 1)] for part, events in log.items()]


def concerning(view: View, pages: Sequence[Page]) -> list[Page]:
    """What of the pages a view is shown."""
    shown = [[each for each in page if each.event.stored_name in view.topics] for page in pages]
    return [page for page in shown if page]


def tables_of_trial(view: View) -> Tables:
    return {table: Identifier(f"tried_{table}") for table in view.tables}


def rows_of(cursor: Cursor[Any], view: View, pages: Sequence[Page]) -> list[Any]:
    """What the pages make of empty tables of the view."""

    def write(tables: Tables) -> None:
        for page in concerning(view, pages):
            view.write(cursor, tables, page)

    return rows_after(cursor, view, write)


def rows_after(cursor: Cursor[Any], view: View, write: Callable[[Tables], None]) -> list[Any]:
    """The rows of all tables of the view, as text, after something has been done to empty ones."""
    tables = tables_of_trial(view)
    with cursor.connection.transaction(force_rollback=True):
        view.create(cursor, tables)
        write(tables)
        return rows_in(cursor, tables)


def rows_in(cursor: Cursor[Any], tables: Tables) -> list[Any]:
    return [
        (name, row)
        for name, table in tables.items()
        for row in cursor.execute(sql.SQL("select t::text from {} t order by 1").format(table)).fetchall()
    ]
