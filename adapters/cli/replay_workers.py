"""Partitions of a log that are replayed side by side: by two threads, of which one goes on while the other waits for
PostgreSQL, or by several processes."""

import gc
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from functools import partial
from multiprocessing.sharedctypes import Synchronized
from queue import SimpleQueue
from threading import Lock
from typing import Any

from msgspec import Struct
from psycopg import Connection

from adapters.errors import CommandFailed
from adapters.postgres.connections import abort_connection, connector
from adapters.system.parent_death import end_with_parent
from projections.projector.sessions import session_name
from projections.verification import replay
from projections.verification.histories import Report
from projections.verification.stored_rows import StoredRows, all_projections

THREADS = 2

LOOK = 0.1
"""Seconds between two looks at how far they are."""

_spawn = multiprocessing.get_context("spawn")

Submit = Callable[[int], Future[Report]]
"""Has a partition replayed."""


class _Count:
    """Of what the threads of this process have read, like a `Synchronized` of several processes."""

    def __init__(self) -> None:
        self.value = 0
        self._lock = Lock()

    def get_lock(self) -> Lock:
        return self._lock


class _Lane(Struct):
    """What replays one of so many partitions at a time. `seen`: how many events all lanes have read."""

    connection: Connection[Any]
    partitions: int
    kept: Sequence[StoredRows]
    seen: "_Count | Synchronized[int]"

    def replay(self, part: int) -> Report:
        report = Report()
        for events in replay.replay(self.connection, part, self.partitions, report, self.kept):
            with self.seen.get_lock():
                self.seen.value += events
        return report


def replayed(url: str, partitions: int, report: Report, *, workers: int, compares: bool) -> Iterator[int]:
    """Replay so many partitions, and report what is found in their order; the events read since the last look.

    To be called from the main thread, with which the processes end.
    """
    seen = _Count() if workers == 1 else _shared_count()
    open_lane = partial(_lane, url, partitions, compares, seen)
    told = 0
    with _threads(open_lane) if workers == 1 else _processes(open_lane, workers) as submit:
        futures = [submit(part) for part in range(partitions)]
        waiting = set(futures)
        while waiting:
            ended, waiting = wait(waiting, LOOK, FIRST_EXCEPTION)
            for each in ended:
                each.result()
            now = seen.value
            yield now - told
            told = now
        for each in futures:
            report.add(each.result())


def _shared_count() -> "Synchronized[int]":
    try:
        return _spawn.Value("q", 0)
    except (OSError, ImportError) as error:
        raise CommandFailed(
            f"--workers needs a /dev/shm that can be written to ({error}): replay without it"
        ) from error


def _lane(url: str, partitions: int, compares: bool, seen: "_Count | Synchronized[int]") -> _Lane:
    connection = connector(url)(session_name("replay"))
    connection.autocommit = True
    return _Lane(connection, partitions, all_projections(connection) if compares else [], seen)


@contextmanager
def _threads(open_lane: Callable[[], _Lane]) -> Iterator[Submit]:
    lanes: SimpleQueue[_Lane] = SimpleQueue()

    def on_a_lane(part: int) -> Report:
        lane = lanes.get()
        try:
            return lane.replay(part)
        finally:
            lanes.put(lane)

    with ExitStack() as connections, ThreadPoolExecutor(THREADS) as pool:
        opened = []
        for _ in range(THREADS):
            lane = open_lane()
            opened.append(connections.enter_context(lane.connection))
            lanes.put(lane)
        try:
            yield lambda part: pool.submit(on_a_lane, part)
        except BaseException:  # nobody waits for what is under way
            pool.shutdown(wait=False, cancel_futures=True)
            for connection in opened:
                abort_connection(connection)
            raise


@contextmanager
def _processes(open_lane: Callable[[], _Lane], workers: int) -> Iterator[Submit]:
    with ProcessPoolExecutor(workers, _spawn, initializer=_begin, initargs=(open_lane, os.getpid())) as pool:
        try:
            yield lambda part: pool.submit(_replay, part)
        except BaseException:  # nobody waits for what is under way
            pool.shutdown(wait=False, cancel_futures=True)
            for process in multiprocessing.active_children():
                process.kill()
            raise


_own: _Lane
"""Of the process that this is."""


def _begin(open_lane: Callable[[], _Lane], parent: int) -> None:  # an initializer takes its arguments in order
    global _own  # noqa: PLW0603  # what a process has at hand for every partition
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is the parent's matter
    end_with_parent(parent, signal.SIGKILL)
    gc.disable()
    _own = open_lane()


def _replay(part: int) -> Report:
    return _own.replay(part)
