"""Replays the partitions of a log concurrently: in two threads, one of which works while the other waits for
PostgreSQL, or in several processes."""

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
"""Seconds between two updates of the progress."""

_spawn = multiprocessing.get_context("spawn")

Submit = Callable[[int], Future[Report]]
"""Has a partition replayed."""


class _Count:
    """A counter with the interface of `Synchronized`, for the threads of one process."""

    def __init__(self) -> None:
        self.value = 0
        self._lock = Lock()

    def get_lock(self) -> Lock:
        return self._lock


class _PartitionReplayer(Struct):
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


def replay_partitions(url: str, partitions: int, report: Report, *, workers: int, compares: bool) -> Iterator[int]:
    """Replay so many partitions, and report what is found in their order; the events read since the last look.

    To be called from the main thread, with which the processes end.
    """
    seen = _Count() if workers == 1 else _shared_count()
    open_replayer = partial(_open_replayer, url, partitions, compares, seen)
    told = 0
    with _threads(open_replayer) if workers == 1 else _processes(open_replayer, workers) as submit:
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


def _open_replayer(url: str, partitions: int, compares: bool, seen: "_Count | Synchronized[int]") -> _PartitionReplayer:
    connection = connector(url)(session_name("replay"))
    connection.autocommit = True
    return _PartitionReplayer(connection, partitions, all_projections(connection) if compares else [], seen)


@contextmanager
def _threads(open_replayer: Callable[[], _PartitionReplayer]) -> Iterator[Submit]:
    replayers: SimpleQueue[_PartitionReplayer] = SimpleQueue()

    def replay_partition(part: int) -> Report:
        replayer = replayers.get()
        try:
            return replayer.replay(part)
        finally:
            replayers.put(replayer)

    with ExitStack() as connections, ThreadPoolExecutor(THREADS) as pool:
        opened = []
        for _ in range(THREADS):
            replayer = open_replayer()
            opened.append(connections.enter_context(replayer.connection))
            replayers.put(replayer)
        try:
            yield lambda part: pool.submit(replay_partition, part)
        except BaseException:  # do not wait for partitions that are being replayed
            pool.shutdown(wait=False, cancel_futures=True)
            for connection in opened:
                abort_connection(connection)
            raise


@contextmanager
def _processes(open_replayer: Callable[[], _PartitionReplayer], workers: int) -> Iterator[Submit]:
    with ProcessPoolExecutor(workers, _spawn, initializer=_begin, initargs=(open_replayer, os.getpid())) as pool:
        try:
            yield lambda part: pool.submit(_replay, part)
        except BaseException:  # do not wait for partitions that are being replayed
            pool.shutdown(wait=False, cancel_futures=True)
            for process in multiprocessing.active_children():
                process.kill()
            raise


_own: _PartitionReplayer
"""Of the process that this is."""


def _begin(
    open_replayer: Callable[[], _PartitionReplayer], parent: int
) -> None:  # an initializer takes its arguments in order
    global _own  # noqa: PLW0603  # one per process
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C
    end_with_parent(parent, signal.SIGKILL)
    gc.disable()
    _own = open_replayer()


def _replay(part: int) -> Report:
    return _own.replay(part)
