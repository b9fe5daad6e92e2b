"""A reader with a position for each partition misses no event, whatever happens to the writers."""

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime
from itertools import groupby, pairwise
from multiprocessing import get_context

import psycopg
import pytest
from msgspec import Struct

from adapters.postgres.connections import connector
from domain.catalogue import decode
from domain.event import Event
from domain.measurement import MeasurementRecorded
from domain.partition import name_of
from tests.adapters.tailing import Killer, Tail, Written, write
from tests.adapters.world import settle_in
from tests.conftest import PARTITIONS
from tests.running.processes import soon

EVENTS = 100_000
WRITERS = 3
LENGTH = 250
"""Items of an array."""
ITEMS = -(-EVENTS // (2 * WRITERS * LENGTH)) * LENGTH
"""Of one writer, at least; each item makes two events, a weight and a body fat."""
KILLS = 10
PAGES = 50
"""Kills, and pages of each reader, that there are at least while it is written, however fast the machine is."""


class Run(Struct):
    """What everybody saw, and what the log held in the end: by partition, in the order of seq."""

    written: list[Written]
    tails: list[Tail]
    kills: int
    log: list[tuple[int, int, Event]]

    def partitions(self) -> Iterator[list[tuple[int, int, Event]]]:
        for _, rows in groupby(self.log, key=lambda row: row[0]):
            yield list(rows)


@pytest.fixture(scope="module")
def run(new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Run:
    database = new_database()
    world = settle_in(connector(database))
    children = world.children(24)
    world.log.close()
    enough = tmp_path_factory.mktemp("tailing") / "enough"
    tails = [Tail(database, PARTITIONS) for _ in range(2)]
    killer = Killer(database, seed=1, pause=0.25)
    for thread in (*tails, killer):
        thread.start()
    try:
        with ProcessPoolExecutor(WRITERS, mp_context=get_context("spawn")) as processes:
            futures = [
                processes.submit(write, database, world.application.id, children, number, ITEMS, LENGTH, enough)
                for number in range(WRITERS)
            ]
            soon(
                lambda: (
                    (killer.kills >= KILLS and all(tail.pages_while_written >= PAGES for tail in tails))
                    or any(future.done() for future in futures)  # it has failed
                ),
                100,
            )
            enough.touch()
            written = [future.result(timeout=120) for future in futures]
    finally:
        killer.no_more.set()
        for tail in tails:
            tail.no_more.set()
        for thread in (*tails, killer):
            thread.join()
    with psycopg.connect(database) as session:
        rows = session.execute("select part, seq, topic, state from events order by part, seq").fetchall()
    return Run(written, tails, killer.kills, [(part, seq, decode(topic, state)) for part, seq, topic, state in rows])


def test_the_tailed_run_had_concurrent_writers_and_failures(run: Run) -> None:
    assert EVENTS <= len(run.log)
    assert KILLS <= run.kills
    assert PARTITIONS / 2 <= len(list(run.partitions()))
    for tail in run.tails:
        assert PAGES <= tail.pages_while_written


def test_readers_that_tail_see_every_event_once_and_never_a_gap(run: Run) -> None:
    log = [(part, seq, event.originator_id, event.originator_version) for part, seq, event in run.log]
    for tail in run.tails:
        assert [] == tail.gaps
        assert log == sorted(tail.seen)


def test_positions_have_no_gaps(run: Run) -> None:
    for rows in run.partitions():
        assert list(range(1, len(rows) + 1)) == [seq for _, seq, _ in rows]


def test_the_log_holds_exactly_the_acknowledged_events_once(run: Run) -> None:
    assert [] == [other for written in run.written for other in written.other]
    stored = [
        name_of(event.originator_id)
        for *_, event in run.log
        if isinstance(event, MeasurementRecorded) and event.kind == "weight"
    ]
    assert WRITERS * ITEMS <= len(stored)
    assert sorted(id for written in run.written for id in written.accepted) == sorted(stored)


def test_the_time_of_recording_never_goes_back_within_a_partition(run: Run) -> None:
    for rows in run.partitions():
        times: list[datetime] = [event.origin.recorded_at for *_, event in rows]
        assert times == sorted(times)


def test_ids_increase_with_positions_within_a_partition(run: Run) -> None:
    for rows in run.partitions():
        ids = [name_of(event.originator_id) for *_, event in rows if type(event) is MeasurementRecorded]
        assert all(earlier < later for earlier, later in pairwise(ids))
