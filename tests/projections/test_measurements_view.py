"""Every view has the same rows, however the partitions of the log meet, wherever its pages end, and when one comes
twice."""

from collections.abc import Sequence
from random import Random
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Cursor, sql
from psycopg.sql import Identifier

from domain.event import Event
from domain.partition import stream
from projections.view import View, tables_of
from projections.views import VIEWS
from tests.application.people import People
from tests.application.world import World
from tests.examples import (
    BODY_FAT,
    CHILD,
    OTHER_CHILD,
    body_fat_recorded,
    body_fat_revised,
    measurement_removed,
    measurements_withdrawn,
    weight_recorded,
)
from tests.fakes import FakeLog

Page = Sequence[tuple[int, Event]]

relaxed = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="session")
def cursor(new_database: Any) -> Any:
    with psycopg.connect(new_database()) as connection, connection.cursor() as cursor:
        yield cursor
        connection.rollback()


@st.composite
def logs(draw: st.DrawFn) -> dict[int, list[Event]]:
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


def pages(log: dict[int, list[Event]], seed: int) -> Sequence[Page]:
    """The events of all partitions, each in its order, met at random and cut into pages at random."""
    random = Random(seed)
    left = {part: list(events) for part, events in log.items() if events}
    found: list[list[tuple[int, Event]]] = [[]]
    while left:
        part = random.choice(sorted(left))
        found[-1].append((part, left[part].pop(0)))
        if not left[part]:
            del left[part]
        if random.random() < 0.3:
            found.append([])
    return found


def rows_of(cursor: Cursor[Any], view: View, pages: Sequence[Page]) -> list[Any]:
    """What the pages make of empty tables of the view; a page shows it only what it cares about."""
    tables = {table: Identifier(f"tried_{table}") for table in view.tables}
    with cursor.connection.transaction(force_rollback=True):
        view.create(cursor, tables)
        for page in pages:
            shown = [(part, event) for part, event in page if event.stored_name in view.topics]
            if shown:
                view.write(cursor, tables, shown)
        return [
            (name, row)
            for name, table in tables.items()
            for row in cursor.execute(sql.SQL("select t::text from {} t order by 1").format(table)).fetchall()
        ]


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
@relaxed
@given(log=logs(), seed=st.integers(), twice=st.booleans())
def test_rows_do_not_depend_on_how_partitions_meet_nor_on_pages_nor_on_one_that_comes_twice(
    cursor: Cursor[Any], view: View, log: dict[int, list[Event]], seed: int, twice: bool
) -> None:
    whole = [[(part, event) for event in events] for part, events in log.items()]
    met = pages(log, seed)
    assert rows_of(cursor, view, whole) == rows_of(cursor, view, [page for page in met for _ in range(1 + twice)])


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
@relaxed
@given(log=logs())
def test_rows_do_not_depend_on_whether_a_page_holds_one_event_or_all(
    cursor: Cursor[Any], view: View, log: dict[int, list[Event]]
) -> None:
    events = [(part, event) for part in log for event in log[part]]
    assert rows_of(cursor, view, [events]) == rows_of(cursor, view, [[event] for event in events])


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_a_row_belongs_to_the_partition_of_its_events(cursor: Cursor[Any], view: View) -> None:
    for table in tables_of(view, 1).values():
        leading = cursor.execute(
            "select a.attname from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]"
            " where i.indrelid = %s::regclass and i.indisprimary",
            (table.as_string(cursor),),
        ).fetchall()
        assert [("part",)] == leading


MEASUREMENTS = VIEWS["measurements"]

RECORDED = (3, body_fat_recorded())


@pytest.mark.parametrize(
    "changes",
    [{"value": 0.0}, {"unit": "points"}, {"institution_id": "5a62be07de34500146d9c888"}],
    ids=lambda changes: next(iter(changes)),
)
def test_a_revision_says_all_that_its_row_holds_in_whatever_page_it_comes(
    cursor: Cursor[Any], changes: dict[str, Any]
) -> None:
    """Or a rebuilt view would differ from the live one."""
    revised = (3, body_fat_revised(**changes))
    expected = rows_of(cursor, MEASUREMENTS, [[RECORDED, revised]])
    assert expected == rows_of(cursor, MEASUREMENTS, [[RECORDED], [revised]])


@pytest.mark.parametrize("cut", [0, 1])
def test_a_removed_measurement_has_no_row(cursor: Cursor[Any], cut: int) -> None:
    events = [RECORDED, (3, measurement_removed(originator_id=stream(CHILD, BODY_FAT), kind="body_fat"))]
    assert [] == rows_of(cursor, MEASUREMENTS, [events[:cut], events[cut:]])


@pytest.mark.parametrize("cut", [0, 1, 2])
def test_a_withdrawal_takes_all_rows_of_the_child_and_no_others(cursor: Cursor[Any], cut: int) -> None:
    other = (3, weight_recorded(originator_id=stream(OTHER_CHILD, BODY_FAT), child_id=OTHER_CHILD))
    events = [RECORDED, (3, weight_recorded()), (3, measurements_withdrawn())]
    expected = rows_of(cursor, MEASUREMENTS, [[other]])
    assert expected == rows_of(cursor, MEASUREMENTS, [[other, *events[:cut]], events[cut:]])
