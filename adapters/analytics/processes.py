"""Processes for calculations that take long, so that they hold up nobody: started when the first is asked for, ended
with this one, whatever ends it."""

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from adapters.parent import end_with
from application.unavailable import Unavailable

PROCESSES = 2
"""At most: what is asked for beyond waits for its turn."""

T = TypeVar("T")


class Processes:
    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None

    async def run(self, calculate: Callable[..., T], *arguments: Any) -> T:
        """What a function of a module makes of the arguments. To be called from the main thread, since a process ends
        with the thread that started it. Unavailable when its process is killed; whoever asks next gets another."""
        try:
            return await asyncio.wrap_future(self._submit(calculate, *arguments))
        except BrokenProcessPool as error:
            raise Unavailable("a process that calculates was killed", kind="calculation") from error

    def _submit(self, calculate: Callable[..., T], *arguments: Any) -> Future[T]:
        if self._pool is not None:
            try:
                return self._pool.submit(calculate, *arguments)
            except BrokenProcessPool:
                self._pool.shutdown(wait=False)
        spawn = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(PROCESSES, spawn, initializer=begin, initargs=(os.getpid(),))
        return self._pool.submit(calculate, *arguments)

    def stop(self) -> None:
        """End them at once, also in the middle of a calculation."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None
            for process in multiprocessing.active_children():
                process.kill()


def begin(parent: int) -> None:
    """Let this process end with the one that started it, whatever ends that."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is the parent's matter
    end_with(parent, signal.SIGKILL)
