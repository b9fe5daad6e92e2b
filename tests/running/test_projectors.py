"""Projectors share the partitions by leases; whatever becomes of one, each event is applied as if once."""

import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Connection, Cursor

from adapters.postgres.connections import connector
from projections.projector.projector import LEASE, Projector
from projections.views.measurements import Measurements
from projections.views.registry import VIEWS
from projections.views.view import Page, Tables
from tests.conftest import PARTITIONS
from tests.running.log_of_weights import Connect, caught_up, expected_rows, rows, weighing
from tests.running.processes import soon
from tests.running.projectors import owners, projecting, sessions, shares, terminate

POLL = 0.1
TAKEOVER = LEASE + LEASE / 3
"""Until a lease has run out, and another worker has looked."""

CUTS = 5
"""Of a test in which sessions are cut off again and again, at least."""

SLOWNESS = 2.0
"""Seconds that a busy machine may add."""


@contextmanager
def working(*connects: Connect) -> Iterator[list[Projector]]:
    """Workers in threads of this process, each with its way to the database."""
    workers = [Projector(connect, poll=POLL) for connect in connects]
    threads = [threading.Thread(target=worker.run) for worker in workers]
    for thread in threads:
        thread.start()
    try:
        yield workers
    finally:
        for worker in workers:
            worker.stop()
        for thread in threads:
            thread.join()


def once(connect: Connect) -> Connect:
    """A way to the database that opens one connection and then no other, as on a machine that is cut off."""
    opened: list[str] = []

    def connect_once(name: str) -> Connection[Any]:
        if opened:
            raise psycopg.OperationalError("cut off")
        opened.append(name)
        return connect(name)

    return connect_once


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Counter[tuple[str, int]]:
    """How often each event, by stream and version, was given to the view's table."""
    counts: Counter[tuple[str, int]] = Counter()
    write = Measurements.write

    def counted(view: Measurements, cursor: Cursor[Any], tables: Tables, page: Page) -> None:
        write(view, cursor, tables, page)
        counts.update((event.originator_id, event.originator_version) for _, _, event in page)

    monkeypatch.setattr(Measurements, "write", counted)
    return counts


def test_two_workers_apply_every_event_exactly_once(database: str, written: Counter[tuple[str, int]]) -> None:
    connect = connector(database)
    with working(connect, connect), weighing(database) as one, weighing(database) as other:
        beside = threading.Thread(target=other.weigh_all, args=[10])
        beside.start()
        one.weigh_all(10)
        beside.join()
        assert caught_up(database)
    assert {1} == set(written.values())
    assert 2 * 10 * 12 * 20 * 2 < written.total()
    assert expected_rows(database) == rows(database)


def test_a_worker_that_stops_gives_its_partitions_back(database: str) -> None:
    with working(connector(database)) as (worker,):
        assert soon(lambda: owners(database).keys() == {worker.owner})
    assert {None} == owners(database).keys()


def test_workers_share_the_partitions_evenly_whoever_comes_and_goes(database: str) -> None:
    connect = connector(database)
    with working(connect) as (first,):
        assert soon(lambda: owners(database) == {first.owner: len(VIEWS.latest) * PARTITIONS}, 20)
        with working(connect, connect) as others:
            assert soon(lambda: set(shares(database)) == {(2, 3, 3)}, 20)
            assert {first.owner, *(other.owner for other in others)} == owners(database).keys()
        assert soon(lambda: owners(database) == {first.owner: len(VIEWS.latest) * PARTITIONS}, 20)


def test_another_takes_over_from_a_worker_that_is_cut_off(database: str) -> None:
    connect = connector(database)
    with weighing(database) as writer, working(once(connect)) as (first,):
        writer.weigh_all()
        assert caught_up(database)
        with working(connect) as (second,):
            terminate(database, first.owner)
            writer.weigh_all()
            assert caught_up(database, TAKEOVER + POLL + SLOWNESS)
            assert soon(lambda: owners(database).keys() == {second.owner}, 20)
    assert expected_rows(database) == rows(database)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "frozen"])
def test_another_process_takes_over_from_one_that_is_killed_or_frozen(
    database: str, tmp_path: Path, number: signal.Signals
) -> None:
    with weighing(database) as writer, projecting(database, tmp_path) as first:
        writer.weigh_all()
        assert caught_up(database)
        with projecting(database, tmp_path):
            assert soon(lambda: sessions(database) == 2 * len(VIEWS.latest), 30)
            os.kill(first.pid, number)
            writer.weigh_all()
            assert caught_up(database, TAKEOVER + POLL + SLOWNESS)
            os.kill(first.pid, signal.SIGCONT)  # it finds out that it has lost its leases
            writer.weigh_all()
            assert caught_up(database)
    assert expected_rows(database) == rows(database)


def test_a_worker_that_is_cut_off_again_and_again_ends_with_the_right_rows(database: str) -> None:
    connect = connector(database)
    ended = threading.Event()
    cuts = []

    def cut() -> None:
        while not ended.wait(0.02):
            cuts.append(terminate(database, "projector-%"))

    cutting = threading.Thread(target=cut)
    with weighing(database) as writer, working(connect, connect):
        cutting.start()
        try:
            writer.weigh_all(20)
            while sum(cuts) <= CUTS:  # on a fast machine
                writer.weigh_all()
        finally:
            ended.set()
            cutting.join()
        assert caught_up(database)
    assert sum(cuts) > CUTS
    assert expected_rows(database) == rows(database)


def test_an_idle_open_snapshot_stops_nobody(database: str) -> None:
    with psycopg.connect(database) as other, weighing(database) as writer, working(connector(database)):
        other.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        places = other.execute("select count(*) from places").fetchone()
        writer.weigh_all(5)
        assert caught_up(database)
        assert places == other.execute("select count(*) from places").fetchone()
    assert expected_rows(database) == rows(database)


def test_a_worker_that_freezes_in_the_middle_of_a_page_does_not_keep_its_partitions_for_ever(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server ends a session that does nothing in an open transaction, as it does for the writers."""
    timeouts: list[str] = []
    write = Measurements.write

    def asked(view: Measurements, cursor: Cursor[Any], tables: Tables, page: Page) -> None:
        ((timeout,),) = cursor.execute("show idle_in_transaction_session_timeout").fetchall()
        timeouts.append(timeout)
        write(view, cursor, tables, page)

    monkeypatch.setattr(Measurements, "write", asked)
    with weighing(database, children=1) as writer, working(connector(database)):
        writer.weigh_all()
        assert caught_up(database)
    assert timeouts
    assert "0" not in timeouts
