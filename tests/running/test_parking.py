"""A view that cannot apply an event leaves out its stream and nothing else; mended, it is as if nothing had been."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from psycopg import Connection, sql

from adapters.cli.views import Operator
from adapters.postgres import embedded
from adapters.postgres.connections import connector
from domain.catalogue import Undecodable, decode
from projections.projector import parking
from projections.rebuild import rebuild
from projections.rebuild.generation_build import RebuildRefused
from projections.views import generations
from projections.views.registry import VIEWS
from projections.views.view import PositionedEvent, View, tables_of
from tests import databases
from tests.adapters.workload import Workload
from tests.adapters.world import settle_in
from tests.projecting import projecting
from tests.running.processes import soon

Connect = Callable[[str], Connection[Any]]

every_view = pytest.mark.parametrize("view", VIEWS.latest.values(), ids=VIEWS.latest)

UNDECODABLE = b'{"originator_id": 1}'
UNWRITABLE = b"\\u0000"
"""What JSON may say of a text, and no column of PostgreSQL holds."""


@pytest.fixture(scope="module")
def written(new_database: Callable[[], str]) -> str:
    """The name of a database with a log of random commands, whose views have seen nothing."""
    url = new_database()
    world = settle_in(connector(url))
    workload = Workload(world, seed=5)
    for _ in range(120):
        workload.run_group()
    world.log.close()
    return databases.name_of(url)


@pytest.fixture
def log(server: embedded.Server, written: str) -> Iterator[str]:
    """The address of a copy of it."""
    with databases.copied(server.url, written) as url:
        yield url


def broken(connection: Connection[Any], view: View, *, readable: bool = True) -> dict[tuple[int, int], bytes]:
    """Break one in a hundred of the events that a view cares about; what they were, by position. Half of them stay
    `readable`, and hold what no column does: these can be applied where the same page takes it away again."""
    rows = connection.execute(
        "select part, seq, state from events where topic = any (%s) order by part, seq", [list(view.topics)]
    ).fetchall()
    chosen = Random(1).sample(rows, max(3, len(rows) // 100))
    for number, (part, seq, state) in enumerate(chosen):
        bad = UNDECODABLE if number % 2 or not readable else state.replace(b'"kg"', b'"' + UNWRITABLE + b'"')
        bad = UNDECODABLE if bad == state else bad
        connection.execute("update events set state = %s where part = %s and seq = %s", [bad, part, seq])
    return {(part, seq): state for part, seq, state in chosen}


def mend(connection: Connection[Any], states: dict[tuple[int, int], bytes]) -> None:
    for (part, seq), state in states.items():
        connection.execute("update events set state = %s where part = %s and seq = %s", [state, part, seq])


def caught_up(connection: Connection[Any], view: View) -> bool:
    behind = """
        select count(*) from (select part, max(seq) as seq from events group by part) e
        cross join (select generation from views where view = %(view)s) v
        where coalesce((
            select max(p.seq) from places p
            where p.part = e.part and p.view = %(view)s and p.generation = v.generation
        ), 0) < e.seq
    """
    return soon(lambda: connection.execute(behind, {"view": view.name}).fetchone() == (0,), 60)


def rows(connection: Connection[Any], view: View, generation: int) -> list[Any]:
    return [
        (name, row)
        for name, table in tables_of(view, generation).items()
        for row in connection.execute(sql.SQL("select t::text from {} t order by 1").format(table)).fetchall()
    ]


def streams(connection: Connection[Any], view: View) -> set[str]:
    return {each.stream for each in parking.parked(connection, view.name)}


def streams_of(
    connection: Connection[Any], positions: Iterable[tuple[int, int]], state: bytes | None = None
) -> set[str]:
    """The streams of events at some positions; of those that have this state now, where one is told."""
    found = set()
    for part, seq in positions:
        ((stream, now),) = connection.execute(
            "select originator_id, state from events where part = %s and seq = %s", [part, seq]
        ).fetchall()
        if state in (None, now):
            found.add(stream)
    return found


def grown(connection: Connection[Any], view: View) -> int:
    """Another generation, grown beside; its number."""
    ((builder,),) = connection.execute("show application_name").fetchall()
    going = rebuild.begin(connection, builder, view.name)
    for _ in going.fill():
        pass
    going.finish()
    return going.new.generation.generation


@pytest.fixture
def connection(log: str) -> Iterator[Connection[Any]]:
    with connector(log)("parking") as connection:
        connection.autocommit = True
        yield connection


@every_view
def test_broken_events_park_only_their_streams_and_the_view_is_complete_once_they_are_repaired(
    log: str, connection: Connection[Any], view: View
) -> None:
    states = broken(connection, view)
    with projecting(connector(log), VIEWS.only(view.name)):
        assert caught_up(connection, view)
    # What nobody can read is always parked; what no column holds may have been removed again in the same page.
    parked = streams(connection, view)
    assert streams_of(connection, states, UNDECODABLE) <= parked <= streams_of(connection, states)
    assert parked
    assert 2 == grown(connection, view)
    assert rows(connection, view, 1) == rows(connection, view, 2)  # a rebuild parks the same
    mend(connection, states)
    assert 0 == Operator(log, Path()).unpark(view.name, None, skip=False)
    assert set() == streams(connection, view)
    connection.execute("update views set builder = null")
    assert 3 == grown(connection, view)
    healthy = rows(connection, view, 3)
    assert healthy == rows(connection, view, 1) == rows(connection, view, 2)
    assert healthy


@every_view
def test_a_view_with_skipped_events_equals_a_view_of_a_log_without_them(
    log: str, connection: Connection[Any], view: View
) -> None:
    states = broken(connection, view, readable=False)
    with projecting(connector(log), VIEWS.only(view.name)):
        assert caught_up(connection, view)
    live = next(each for each in generations.all_generations(connection) if each.view == view.name)
    while left := streams(connection, view):
        for stream in left:
            parking.retry(connection, view, live, stream, skip=True)
    tables = tables_of(view, 99)
    with connection.cursor() as cursor:
        view.create(cursor, tables)
        stored = connection.execute(
            "select part, seq, topic, state from events where topic = any (%s) order by part, seq", [list(view.topics)]
        ).fetchall()
        whole = []
        for part, seq, topic, state in stored:
            if UNWRITABLE not in state and state != UNDECODABLE:
                whole.append(PositionedEvent(part, seq, decode(topic, state)))
        view.write(cursor, tables, whole)
    assert len(stored) - len(states) == len(whole)
    assert rows(connection, view, 99) == rows(connection, view, 1)


@every_view
def test_an_event_skipped_in_the_live_generation_stays_parked_in_a_rebuild_which_does_not_switch(
    log: str, connection: Connection[Any], view: View, capsys: pytest.CaptureFixture[str]
) -> None:
    broken(connection, view, readable=False)
    with projecting(connector(log), VIEWS.only(view.name)):
        assert caught_up(connection, view)
        assert 2 == grown(connection, view)
        connection.execute("update views set builder = 'gone' where generation = 2")
        stream = min(streams(connection, view))
        in_rebuild = [each for each in parking.parked(connection, view.name) if each.generation == 2]
        Operator(log, Path()).unpark(view.name, stream, skip=True)
        assert f"{view.name}: generation 2, which is not live, still has them parked." in capsys.readouterr().out
        assert in_rebuild == [each for each in parking.parked(connection, view.name) if each.generation == 2]
        operator = Operator(log, Path())
        assert 1 == operator.rebuild([view.name], workers=1, accept_differences=False, anew=False, compares=False)
        assert [(1,)] == connection.execute(
            "select generation from views where live and view = %s", [view.name]
        ).fetchall()
        assert "streams are parked" in capsys.readouterr().out
        # Nothing is skipped where only the rebuild has parked something.
        connection.execute("delete from parked_events where generation = 1")
        with pytest.raises(
            RebuildRefused,
            match=f"only the live generation of {view.name} can skip, and it has parked nothing of {stream}",
        ):
            Operator(log, Path()).unpark(view.name, stream, skip=True)
        assert 0 == operator.rebuild([view.name], workers=1, accept_differences=True, anew=False)


@every_view
def test_a_generation_that_is_still_being_grown_is_not_tried_again(
    log: str, connection: Connection[Any], view: View
) -> None:
    """It would be written to before its partitions are settled."""
    states = broken(connection, view, readable=False)
    going = rebuild.begin(connection, "parking", view.name)
    for _ in going.fill():
        pass
    mend(connection, states)
    parked = parking.parked(connection, view.name)
    assert parked
    with pytest.raises(RebuildRefused, match=f"generation 2 of {view.name} is not complete"):
        Operator(log, Path()).unpark(view.name, None, skip=False)
    assert parked == parking.parked(connection, view.name)
    going.finish()
    assert 0 == Operator(log, Path()).unpark(view.name, None, skip=False)
    assert [] == parking.parked(connection, view.name)


@every_view
def test_going_back_says_what_is_parked_there(
    log: str, connection: Connection[Any], view: View, capsys: pytest.CaptureFixture[str]
) -> None:
    states = broken(connection, view, readable=False)
    with projecting(connector(log), VIEWS.only(view.name)):
        assert caught_up(connection, view)
        mend(connection, states)
        parked = len(streams(connection, view))
        operator = Operator(log, Path())
        assert 0 == operator.rebuild([view.name], workers=1, accept_differences=True, anew=False)
        capsys.readouterr()
        assert 0 == operator.roll_back(view.name)
    assert f"{view.name}: it has parked {parked} streams; " in capsys.readouterr().out


@every_view
def test_an_unrepaired_event_stays_parked_and_later_events_of_its_stream_wait(
    log: str, connection: Connection[Any], view: View
) -> None:
    states = broken(connection, view, readable=False)
    with projecting(connector(log), VIEWS.only(view.name)):
        assert caught_up(connection, view)
        before, parked = rows(connection, view, 1), parking.parked(connection, view.name)
        assert 1 == Operator(log, Path()).unpark(view.name, None, skip=False)
        assert before == rows(connection, view, 1)
        assert parked == parking.parked(connection, view.name)
    first = parked[0]
    assert (first.part, first.seq) in states
    with pytest.raises(Undecodable):
        decode(first.topic, UNDECODABLE)


def test_a_database_that_fails_parks_nothing(log: str, connection: Connection[Any]) -> None:
    view = VIEWS.latest["measurements"]
    connection.execute("alter table measurements_g1 rename to hidden")
    with projecting(connector(log), VIEWS.only(view.name)):
        assert not soon(lambda: parking.parked(connection), 1.0)
        connection.execute("alter table hidden rename to measurements_g1")
        assert caught_up(connection, view)
    assert [] == parking.parked(connection)
