"""The writer: one thread that runs the waiting commands batch by batch, and wakes the requests that wait for them."""

import asyncio
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextvars import Context, copy_context
from typing import Protocol

import structlog
from msgspec import Struct

from application.command import Command, CommandResult, Fault
from application.fair_queue import FairQueue, QueueFull
from application.outage import Outage
from application.ports import LogUnavailable, PartitionsHeld
from application.processor import CommandResults
from application.unavailable import Kind, Unavailable

logger = structlog.get_logger()

DEFERRAL_LIMIT = 2.0
"""Seconds for which a command is tried again while other sessions hold its partitions."""


class BatchProcessor(Protocol):
    def run(self, commands: Sequence[Command], *, oldest_waits: bool) -> CommandResults: ...


class AnsweredCommand(Struct, frozen=True):
    """A command that a batch has answered: its number of items, when it was submitted (monotonic clock), and the
    context of its request."""

    items: int
    submitted: float
    context: Context


class BatchRun(Struct, frozen=True):
    """A batch that has run, with the commands that it answered. Times are seconds of the monotonic clock."""

    commands: Sequence[AnsweredCommand]
    began: float
    ended: float


def _ignore(run: BatchRun) -> None:
    pass


class _Submitted(Struct, eq=False):
    """`deferred_since`: when a batch first could not take the command (monotonic clock); infinity if none has tried."""

    command: Command
    subject: str
    size: int
    future: asyncio.Future[CommandResult]
    submitted: float
    context: Context
    deferred_since: float = math.inf


class Writer:
    """A bounded queue in front of a processor. The sizes of the queue and of a batch count items, not requests. Actors
    share both fairly.

    A command whose partitions other sessions hold is deferred: it goes into the next batch, in front of the queue. In
    every other batch the oldest deferred command waits briefly for its partitions. So it gets its turn among several
    writers, and a session that is stuck with some partitions does not hold up the commands of others for long.
    """

    def __init__(
        self,
        processor: BatchProcessor,
        *,
        batch_size: int,
        queue_size: int,
        observe: Callable[[BatchRun], None] = _ignore,
    ) -> None:
        """`observe` is called by the writer's thread after every batch, before its requests are answered."""
        self._processor = processor
        self._queue_size = queue_size
        self._queue: FairQueue[_Submitted] = FairQueue(batch_size=batch_size)
        self._deferred: deque[_Submitted] = deque()
        self._queued = 0
        self._batch: list[_Submitted] = []
        self._changed = threading.Condition()
        self._stopping = False
        self._oldest_timed_out = False
        self._observe = observe
        self._unobserved = Outage("batches cannot be counted", "batches are counted again")
        self._began: float | None = None
        self._ended: float | None = None
        self._last_batch_failed = False
        self._given_up: float | None = None
        self._thread = threading.Thread(target=self._work, name="writer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Run the waiting commands, then end the thread. Commands that are submitted later are Unavailable."""
        self.begin_to_stop()
        self._thread.join()

    def begin_to_stop(self) -> None:
        """Like `stop`, without waiting for the end: `is_alive` is true until then."""
        with self._changed:
            self._stopping = True
            self._changed.notify()

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    @property
    def queue_size(self) -> int:
        """The largest number of items that may wait."""
        return self._queue_size

    @property
    def queued(self) -> int:
        """The number of items that wait or are being decided."""
        return self._queued

    @property
    def busy_for(self) -> float | None:
        """Seconds since the running batch began; None between batches."""
        began = self._began
        return None if began is None else time.monotonic() - began

    @property
    def given_up_for(self) -> float:
        """Seconds since the running batch was given up; 0 if it was not."""
        given_up = self._given_up
        return 0.0 if given_up is None else time.monotonic() - given_up

    @property
    def idle_for(self) -> float | None:
        """Seconds since the last batch ended; None before the first."""
        ended = self._ended
        return None if ended is None else time.monotonic() - ended

    @property
    def last_batch_failed(self) -> bool:
        """Whether the log was unavailable to every command of the last batch."""
        return self._last_batch_failed

    @property
    def waiting_for(self) -> float:
        """Seconds for which the oldest command has been waiting, running ones included; 0 if there is none."""
        with self._changed:
            firsts = [*self._batch, *self._deferred, *self._queue.firsts()]
        return time.monotonic() - min(each.submitted for each in firsts) if firsts else 0.0

    def give_up(self, reason: str) -> None:
        """Answer every waiting command with Unavailable. The running batch goes on, but its results are dropped."""
        with self._changed:
            not_begun = [*self._deferred, *self._queue.clear()]
            given_up = [*self._batch, *not_begun]
            if self._batch:
                self._given_up = time.monotonic()
            self._queued -= sum(each.size for each in not_begun)
            self._batch = []
            self._deferred.clear()
        _answer([(each, LogUnavailable(reason)) for each in given_up])

    async def submit(self, command: Command) -> CommandResult:
        """Have the command decided and stored, and return its result.

        Unavailable if the queue is full (the actors with most items in it are refused), the log is unavailable, other
        sessions hold its partitions for longer than DEFERRAL_LIMIT, or the writer has been stopped. Nothing is stored
        then, with one exception: if the connection was lost during a commit, and it cannot be settled in time whether
        that succeeded, the command may be stored. A request is never split; an empty queue takes one of any size.
        """
        future: asyncio.Future[CommandResult] = asyncio.get_running_loop().create_future()
        size = max(1, len(command.items))
        submitted = _Submitted(command, command.actor.id, size, future, time.monotonic(), copy_context())
        with self._changed:
            if self._stopping:
                raise Unavailable("stopping", kind="ending")
            dropped = self._make_room(submitted)
            self._queue.add(submitted)
            self._queued += size
            self._changed.notify()
        _answer([(each, _queue_full()) for each in dropped])
        return await future

    def _make_room(self, submitted: _Submitted) -> list[_Submitted]:
        """Take commands out of the queue until there is room for this one. Unavailable if none may be taken out."""
        excess = self._queued + submitted.size - self._queue_size
        if excess <= 0 or not self._queued:
            return []
        try:
            dropped = self._queue.make_room(submitted, excess)
        except QueueFull as error:
            raise _queue_full() from error
        self._queued -= sum(each.size for each in dropped)
        return dropped

    def _work(self) -> None:
        while True:
            with self._changed:
                while not (self._deferred or self._queue or self._stopping):
                    self._changed.wait()
                # Deferred commands do not count towards the size of the batch.
                batch = self._batch = [*self._deferred, *self._queue.take()]
                self._deferred.clear()
            if not batch:
                return
            self._run(batch)
            del batch  # an idle thread must not keep the bodies of answered requests

    def _run(self, batch: list[_Submitted]) -> None:
        started = self._began = time.monotonic()
        oldest_waits = not self._oldest_timed_out and (batch[0].deferred_since < math.inf or len(batch) == 1)
        try:
            results = self._processor.run([each.command for each in batch], oldest_waits=oldest_waits)
        except Exception:
            logger.exception("batch failed", request_ids=[each.command.request_id for each in batch])
            results = {index: Fault() for index in range(len(batch))}
        self._oldest_timed_out = oldest_waits and isinstance(results.get(0), PartitionsHeld)
        self._last_batch_failed = bool(results) and all(map(_is_unavailable, results.values()))
        ran = time.monotonic()
        answered: list[_Answered] = []
        with self._changed:
            given_up = not self._batch
            self._batch = []
            self._given_up = None
            for index, each in reversed(list(enumerate(batch))):
                result = results.get(index, _HELD)
                each.deferred_since = min(each.deferred_since, ran)
                is_held = isinstance(result, PartitionsHeld) and ran - each.deferred_since < DEFERRAL_LIMIT
                if is_held and not given_up:
                    self._deferred.appendleft(each)
                else:
                    answered.append((each, result))
                    self._queued -= each.size
        ended = self._ended = time.monotonic()
        self._began = None
        logger.debug("batch ran", commands=len(batch), answered=len(answered), ms=round((ended - started) * 1_000, 2))
        try:
            commands = [AnsweredCommand(each.size, each.submitted, each.context) for each, _ in answered]
            self._observe(BatchRun(commands, started, ended))
        except Exception as error:
            self._unobserved.failed(type(error).__name__, error=error)
        else:
            self._unobserved.works()
        _answer(answered)


_Answered = tuple[_Submitted, CommandResult | LogUnavailable | Unavailable]


def _queue_full() -> Unavailable:
    return Unavailable("queue full", kind="queue")


def _is_unavailable(result: CommandResult | LogUnavailable) -> bool:
    return isinstance(result, LogUnavailable) and not isinstance(result, PartitionsHeld)


_HELD = PartitionsHeld("other sessions hold the partitions")


def _answer(answered: list[_Answered]) -> None:
    for loop, of_loop in _by_loop(answered).items():
        try:
            loop.call_soon_threadsafe(_resolve, of_loop)
        except RuntimeError:
            logger.warning("event loop has ended; answers are dropped", answers=len(of_loop))


def _by_loop(answered: list[_Answered]) -> dict[asyncio.AbstractEventLoop, list[_Answered]]:
    loops: dict[asyncio.AbstractEventLoop, list[_Answered]] = {}
    for submitted, result in answered:
        loops.setdefault(submitted.future.get_loop(), []).append((submitted, result))
    return loops


def _resolve(answered: list[_Answered]) -> None:
    """Runs in the event loop, once for all answers of a batch. A request that was cancelled meanwhile is skipped."""
    for submitted, result in answered:
        if submitted.future.done():
            continue
        if isinstance(result, Unavailable):
            submitted.future.set_exception(result)
        elif isinstance(result, LogUnavailable):
            kind: Kind = "partitions" if isinstance(result, PartitionsHeld) else "database"
            submitted.future.set_exception(Unavailable(str(result), kind=kind))
        else:
            submitted.future.set_result(result)
