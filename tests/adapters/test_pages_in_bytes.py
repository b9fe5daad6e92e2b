"""Pages of the log are limited by bytes as well as by events: logs of earlier versions may hold events of many MiB."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from adapters.postgres import embedded
from adapters.postgres.connections import connector
from projections.projector import pages
from projections.verification import stored_rows
from projections.views.registry import VIEWS
from tests.adapters.rebuilding import BEHIND, Copy, begun, count_filled_events, each_view, everything, filled
from tests.adapters.replaying import replayed
from tests.adapters.world import settle_in
from tests.running.processes import soon

MIB = 1024 * 1024

FRUGAL = f"""
import resource, sys, threading
from adapters.postgres.connections import connector
from projections.projector.projector import Projector
from tests.adapters.rebuilding import BEHIND
from tests.running.processes import soon
import psycopg

resource.setrlimit(resource.RLIMIT_DATA, ({512 * MIB}, {512 * MIB}))
projector = Projector(connector(sys.argv[1]), poll=0.01)
thread = threading.Thread(target=projector.run)
thread.start()
with psycopg.connect(sys.argv[1], autocommit=True) as session:
    level = soon(lambda: session.execute(BEHIND).fetchall() == [(0,)], 300)
projector.stop()
thread.join()
sys.exit(not level)
"""
"""Keeps the views up to the end of the log, in a process that may have 512 MiB."""


@pytest.fixture
def copy(server: embedded.Server, new_database: Callable[..., str]) -> Iterator[Copy]:
    with filled(server.url, new_database).copy() as copy:
        yield copy


@pytest.fixture
def one_event_a_page(copy: Copy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "BYTES", 1)


@pytest.mark.usefixtures("one_event_a_page")
def test_a_page_ends_with_the_event_that_reaches_the_limit_of_bytes(
    copy: Copy, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    apply = pages.apply

    def noted(*of: object, **how: object) -> object:
        sizes.append(len(of[3]))  # type: ignore[arg-type]
        return apply(*of, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(pages, "apply", noted)
    copy.ask("delete from places")
    copy.ask("truncate measurements_g1, entries_g1, subject_days_g1, subjects_g1, days_g1, audit_trail_g1")
    with copy.projecting():
        assert soon(lambda: copy.ask(BEHIND) == [(0,)], 300)
    assert {1} == set(sizes)


@everything
@pytest.mark.usefixtures("one_event_a_page")
def test_a_rebuild_in_pages_of_one_event_applies_every_event_once(
    copy: Copy, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = copy.rows(name)
    grows = count_filled_events(monkeypatch)
    assert 0 == copy.rebuild(name)
    assert rows == copy.rows(name)
    assert copy.events(name) == set(grows)
    assert {1} == set(grows.values())


@each_view
@pytest.mark.usefixtures("one_event_a_page")
def test_a_switch_in_pages_of_one_event_waits_until_it_has_caught_up(copy: Copy, name: str) -> None:
    with copy.session() as session:
        going = begun(session, name)
        for _ in going.fill():
            pass
        going.finish()
        (child,) = copy.world.children(1)
        assert copy.world.run(copy.world.weights(child, range(20), body_fat=20.0))
        with copy.projecting():
            assert sum(1 for _ in going.switch()) < 1_000
        copy.catch_up()
    rows = copy.rows(name)
    assert 0 == copy.rebuild(name)
    assert rows == copy.rows(name)


@pytest.mark.usefixtures("one_event_a_page")
def test_a_replay_in_pages_of_one_event_finds_the_same(copy: Copy, capsys: pytest.CaptureFixture[str]) -> None:
    ((whole,),) = copy.ask("select count(*) from events")
    found = replayed(copy, capsys)
    assert (0, whole) == (found.code, found.told["events"])


def test_a_replay_does_not_keep_the_rows_of_many_large_events_in_memory(
    copy: Copy, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (child,) = copy.world.children_apart(1)
    assert copy.world.run(copy.world.weights(child, range(5), unit="z" * 70_000))
    copy.catch_up()
    dropped: list[int] = []
    monkeypatch.setattr(stored_rows, "MEMORY_LIMIT", 200_000)
    grow = stored_rows.RowComparison.differences

    def noted(self: stored_rows.RowComparison, *of: object) -> object:
        dropped.append(self._part)
        return grow(self, *of)  # type: ignore[arg-type]

    monkeypatch.setattr(stored_rows.RowComparison, "differences", noted)
    assert 0 == replayed(copy, capsys).code
    ((part,),) = copy.ask("select distinct part from events where originator_id like %s", f"{child}/%")
    assert dropped.count(part) >= len(VIEWS.latest)


def test_a_projector_with_512_mib_applies_six_weights_with_units_of_15_mib(database: str) -> None:
    world = settle_in(connector(database))
    (child,) = world.children(1)
    for minute in range(6):
        assert world.id(world.weights(child, [minute], unit="z" * (15 * MIB)))
    world.log.close()
    command = [sys.executable, "-c", FRUGAL, database]
    assert 0 == subprocess.run(command, cwd=Path(__file__).parents[2], check=False, timeout=400).returncode
    with psycopg.connect(database) as session:
        assert [(6, 15 * MIB)] == session.execute("select count(*), max(length(unit)) from measurements").fetchall()
