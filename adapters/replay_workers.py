"""Processes that replay the partitions of a log side by side."""

import gc
import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from msgspec import Struct
from psycopg import Connection

from adapters.analytics.processes import end_with
from adapters.postgres.connections import connector
from projections import replay
from projections.histories import Report
from projections.kept import Kept, all_kept
from projections.sessions import session_name


class _Worker(Struct):
    connection: Connection[Any]
    kept: Sequence[Kept]

    def replay(self, part: int) -> Report:
        report = Report()
        for _ in replay.replay(self.connection, report, self.kept, [part]):
            pass
        return report


_worker: _Worker
"""Of the process that this is."""


def replayed(url: str, parts: Sequence[int], *, workers: int, compares: bool) -> Iterator[Report]:
    """A report of each partition, in their order. To be called from the main thread, with which the processes end."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, spawn, initializer=_begin, initargs=(url, compares, os.getpid())) as pool:
        try:
            yield from pool.map(_replay, parts)
        except BaseException:  # nobody waits for what is under way
            pool.shutdown(wait=False, cancel_futures=True)
            for process in multiprocessing.active_children():
                process.kill()
            raise


def _begin(url: str, compares: bool, parent: int) -> None:  # an initializer takes its arguments in order
    global _worker  # noqa: PLW0603  # what a process has at hand for every partition
    end_with(parent)
    gc.disable()
    connection = connector(url)(session_name("replay"))
    connection.autocommit = True
    _worker = _Worker(connection, all_kept(connection) if compares else [])


def _replay(part: int) -> Report:
    return _worker.replay(part)
