"""Measures how long each step of a batch takes: a log that measures the calls of another."""

import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Generic

from msgspec import Struct

from application.ports import K, Log, Reads

STEPS = ("begin", "load", "decide", "append", "commit", "settle")


class Step(Struct, frozen=True, gc=False):
    """`name`: one of STEPS; `begin` waits for partitions. A batch may repeat some of them. Times are seconds of
    the monotonic clock."""

    name: str
    began: float
    ended: float


class TimedLog(Generic[K]):
    """Implements `application.ports.Log`. To be used by one thread at a time."""

    def __init__(self, log: Log[K]) -> None:
        self._log = log
        self._steps: list[Step] = []
        self._loaded = 0.0

    def drain(self) -> list[Step]:
        """The steps since the last call, in order."""
        steps, self._steps = self._steps, []
        return steps

    @property
    def partitions(self) -> int:
        return self._log.partitions

    def begin(self, wait_for: Collection[int], if_free: Collection[int]) -> K:
        with self._step("begin"):
            return self._log.begin(wait_for, if_free)

    def load(self, known: K, reads: Reads) -> None:
        with self._step("load"):
            self._log.load(known, reads)
        self._loaded = time.monotonic()

    def append(self, known: K) -> None:
        with self._step("append") as began:
            self._steps.append(Step("decide", self._loaded, began))
            self._log.append(known)

    def commit(self, known: K) -> None:
        with self._step("commit"):
            self._log.commit(known)

    def rollback(self) -> None:
        self._log.rollback()

    def settle(self, known: K) -> bool:
        with self._step("settle"):
            return self._log.settle(known)

    @contextmanager
    def _step(self, name: str) -> Iterator[float]:
        began = time.monotonic()
        try:
            yield began
        finally:
            self._steps.append(Step(name, began, time.monotonic()))
