"""Processes for calculations that take long, so that they hold up nobody: started when the first is asked for, ended
with this one, whatever ends it. Where there is no /dev/shm they are threads."""

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
"""At most: what is asked for beyond waits for its turn."""

VALUES = 2_000_000
"""Values that are calculated with, or wait for it, at most: one takes up to 150 bytes here and there."""

T = TypeVar("T")

logger = structlog.get_logger()


class Processes:
    def __init__(self) -> None:
        self._pool: Executor | None = None
        self._values = 0
        self._lock = Lock()

    async def run(self, values: int, calculate: Callable[..., T], *arguments: Any) -> T:
        """What a function of a module makes of the arguments, which hold so many values. To be called from the main
        thread, since a process ends with the thread that started it. Unavailable when VALUES are being calculated with,
        though never for a calculation that would be alone; and when its process is killed, where the next caller gets
        another."""
        self._reserve(values)
        try:
            future = self._submit(calculate, *arguments)
        except BaseException:
            self._release(values)
            raise
        # When it is done, not when its caller leaves: it is calculated all the same.
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
        """End them at once, also in the middle of a calculation."""
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
    """Let this process end with the one that started it, whatever ends that."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is the parent's matter
    end_with_parent(parent, signal.SIGKILL)
