"""A pool of subprocesses for long calculations, which would block the event loop's process.

The pool starts with the first calculation and ends with this process. Without /dev/shm it has threads instead."""

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from threading import Lock
from typing import Any, TypeVar

import structlog

from adapters.system.parent_death import end_with_parent
from application.unavailable import Unavailable

PROCESSES = 2
"""Maximum number of subprocesses; further calculations wait."""

VALUES = 2_000_000
"""Maximum number of values in running and waiting calculations: a value takes up to 150 bytes in both processes."""

T = TypeVar("T")

logger = structlog.get_logger()


class Processes:
    def __init__(self) -> None:
        self._pool: Executor | None = None
        self._values = 0
        self._lock = Lock()

    async def run(self, values: int, calculate: Callable[..., T], *arguments: Any) -> T:
        """Run a function of a module in a subprocess. `values`: how many values the arguments hold.

        Call it from the main thread: a subprocess ends with the thread that started it. Unavailable when the running
        calculations would exceed VALUES (a single calculation may), and when its subprocess is killed.
        """
        self._reserve(values)
        try:
            future = self._submit(calculate, *arguments)
        except BaseException:
            self._release(values)
            raise
        # Released when it is done: it keeps running when its caller leaves.
        future.add_done_callback(lambda _: self._release(values))
        try:
            return await asyncio.wrap_future(future)
        except BrokenProcessPool as error:
            raise Unavailable("a process that calculates was killed", kind="calculation") from error

    def _submit(self, calculate: Callable[..., T], *arguments: Any) -> Future[T]:
        if self._pool is not None:
            try:
                return self._pool.submit(calculate, *arguments)
            except BrokenProcessPool:
                self._pool.shutdown(wait=False)
        self._pool = _pool()
        return self._pool.submit(calculate, *arguments)

    def _reserve(self, values: int) -> None:
        with self._lock:
            if self._values and self._values + values > VALUES:
                raise Unavailable("too many values are being calculated with", kind="calculation")
            self._values += values

    def _release(self, values: int) -> None:
        with self._lock:
            self._values -= values

    def stop(self) -> None:
        """Kill the subprocesses, even during a calculation."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None
            for process in multiprocessing.active_children():
                process.kill()


def _pool() -> Executor:
    spawn = multiprocessing.get_context("spawn")
    try:
        return ProcessPoolExecutor(PROCESSES, spawn, initializer=begin, initargs=(os.getpid(),))
    except (OSError, ImportError) as error:  # its locks need /dev/shm, which is missing, full or closed to us
        logger.warning("long calculations run in threads: processes cannot be started", reason=str(error))
        return ThreadPoolExecutor(PROCESSES)


def begin(parent: int) -> None:
    """Make this subprocess end with its parent, even when the parent is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is the parent's matter
    end_with_parent(parent, signal.SIGKILL)
