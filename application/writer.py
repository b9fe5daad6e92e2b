"""The writer: one thread that runs whatever commands are waiting, group by group, and wakes those who wait for them."""

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

PATIENCE = 2.0
"""Seconds for which a command whose partitions others hold is tried again."""


class Runs(Protocol):
    def run(self, waiting: Sequence[Command], *, oldest_waits: bool) -> CommandResults: ...


class Taken(Struct, frozen=True):
    """A command that a group has answered: how many items it has, when it was submitted, and in which context."""

    items: int
    submitted: float
    context: Context


class Ran(Struct, frozen=True):
    """A group that was run, and what it has answered. Times are seconds of the monotonic clock."""

    taken: Sequence[Taken]
    began: float
    ended: float


def _nobody(ran: Ran) -> None:
    """Does nothing."""


class _Waiting(Struct, eq=False):
    """`passed_over`: when it was first part of a group that could not take it, by the monotonic clock."""

    command: Command
    subject: str
    size: int
    future: asyncio.Future[CommandResult]
    submitted: float
    context: Context
    passed_over: float = math.inf


class Writer:
    """A bounded queue in front of a processor. Its size and that of a group count items, not requests. The actors of
    the commands share both fairly.

    What others hold the partitions of is passed over, and stays in front of the queue. Of it the oldest waits for them
    in every other group, briefly: so it has its turn among several writers, and a session that is stuck with some
    partitions holds up nobody else for long.
    """

    def __init__(
        self, processor: Runs, *, group_size: int, queue_size: int, observe: Callable[[Ran], None] = _nobody
    ) -> None:
        """`observe` is told of every group by the writer's thread, before the answers go out."""
        self._processor = processor
        self._queue_size = queue_size
        self._queue: FairQueue[_Waiting] = FairQueue(batch_size=group_size)
        self._passed_over: deque[_Waiting] = deque()
        self._queued = 0
        self._at_hand: list[_Waiting] = []
        self._changed = threading.Condition()
        self._stopping = False
        self._waited_in_vain = False
        self._observe = observe
        self._unobserved = Outage("groups cannot be counted", "groups are counted again")
        self._began: float | None = None
        self._ended: float | None = None
        self._in_vain = False
        self._given_up: float | None = None
        self._thread = threading.Thread(target=self._work, name="writer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Run what is waiting, then end. Whoever comes later is Unavailable."""
        self.begin_to_stop()
        self._thread.join()

    def begin_to_stop(self) -> None:
        """Like `stop`, but does not wait for the end: it `is_alive` until then."""
        with self._changed:
            self._stopping = True
            self._changed.notify()

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    @property
    def queue_size(self) -> int:
        """Items that may wait."""
        return self._queue_size

    @property
    def queued(self) -> int:
        """Items that wait, or are being decided."""
        return self._queued

    @property
    def busy_for(self) -> float | None:
        """Seconds since the group at hand began."""
        began = self._began
        return None if began is None else time.monotonic() - began

    @property
    def given_up_for(self) -> float:
        """Seconds since the batch at hand was given up, which nevertheless goes on; 0 where none was."""
        given_up = self._given_up
        return 0.0 if given_up is None else time.monotonic() - given_up

    @property
    def idle_for(self) -> float | None:
        """Seconds since the last group ended."""
        ended = self._ended
        return None if ended is None else time.monotonic() - ended

    @property
    def in_vain(self) -> bool:
        """Whether nothing of the last group could be stored, since the log was away."""
        return self._in_vain

    @property
    def waiting_for(self) -> float:
        """Seconds for which the first of those who wait has been waiting; 0 where nobody is."""
        with self._changed:
            firsts = [*self._at_hand, *self._passed_over, *self._queue.firsts()]
        return time.monotonic() - min(waiting.submitted for waiting in firsts) if firsts else 0.0

    def give_up(self, reason: str) -> None:
        """Tell everybody who waits that the log is away. The group at hand goes on, but nobody waits for it."""
        with self._changed:
            not_begun = [*self._passed_over, *self._queue.clear()]
            given_up = [*self._at_hand, *not_begun]
            if self._at_hand:
                self._given_up = time.monotonic()
            self._queued -= sum(waiting.size for waiting in not_begun)
            self._at_hand = []
            self._passed_over.clear()
        _answer([(waiting, LogUnavailable(reason)) for waiting in given_up])

    async def submit(self, command: Command) -> CommandResult:
        """Have the command decided and stored, and its answer.

        Unavailable, and then nothing is stored: when the queue is full, which is told to the actors that have most in
        it; when the log is away, its partitions are held by others for longer than PATIENCE, or the writer is stopped.
        Only where the log went away in the middle of a commit, and that is not settled in time, what is Unavailable may
        be stored all the same. A request is never split, and taken however large while the queue is empty.
        """
        future = asyncio.get_running_loop().create_future()
        size = max(1, len(command.items))
        waiting = _Waiting(command, command.actor.id, size, future, time.monotonic(), copy_context())
        with self._changed:
            if self._stopping:
                raise Unavailable("stopping", kind="ending")
            dropped = self._make_room(waiting)
            self._queue.add(waiting)
            self._queued += size
            self._changed.notify()
        _answer([(each, _queue_full()) for each in dropped])
        return await waiting.future

    def _make_room(self, waiting: _Waiting) -> list[_Waiting]:
        """What leaves the queue for it. Unavailable."""
        excess = self._queued + waiting.size - self._queue_size
        if excess <= 0 or not self._queued:
            return []
        try:
            dropped = self._queue.make_room(waiting, excess)
        except QueueFull as error:
            raise _queue_full() from error
        self._queued -= sum(each.size for each in dropped)
        return dropped

    def _work(self) -> None:
        while True:
            with self._changed:
                while not (self._passed_over or self._queue or self._stopping):
                    self._changed.wait()
                # What was passed over takes no room from the others.
                group = self._at_hand = [*self._passed_over, *self._queue.take()]
                self._passed_over.clear()
            if not group:
                return
            self._run(group)
            del group  # the thread may rest now, for long: it must not keep what was sent

    def _run(self, group: list[_Waiting]) -> None:
        started = self._began = time.monotonic()
        oldest_waits = not self._waited_in_vain and (group[0].passed_over < math.inf or len(group) == 1)
        try:
            answers = self._processor.run([waiting.command for waiting in group], oldest_waits=oldest_waits)
        except Exception:
            logger.exception("group failed", request_ids=[waiting.command.request_id for waiting in group])
            answers = {place: Fault() for place in range(len(group))}
        self._waited_in_vain = oldest_waits and isinstance(answers.get(0), PartitionsHeld)
        self._in_vain = bool(answers) and all(map(_is_away, answers.values()))
        ran = time.monotonic()
        done: list[_Answered] = []
        with self._changed:
            given_up = not self._at_hand
            self._at_hand = []
            self._given_up = None
            for place, waiting in reversed(list(enumerate(group))):
                answer = answers.get(place, _HELD)
                waiting.passed_over = min(waiting.passed_over, ran)
                if isinstance(answer, PartitionsHeld) and ran - waiting.passed_over < PATIENCE and not given_up:
                    self._passed_over.appendleft(waiting)
                else:
                    done.append((waiting, answer))
                    self._queued -= waiting.size
        ended = self._ended = time.monotonic()
        self._began = None
        logger.debug("group ran", commands=len(group), answered=len(done), ms=round((ended - started) * 1_000, 2))
        try:
            taken = [Taken(waiting.size, waiting.submitted, waiting.context) for waiting, _ in done]
            self._observe(Ran(taken, started, ended))
        except Exception as error:
            self._unobserved.failed(type(error).__name__, error=error)
        else:
            self._unobserved.works()
        _answer(done)


_Answered = tuple[_Waiting, CommandResult | LogUnavailable | Unavailable]


def _queue_full() -> Unavailable:
    return Unavailable("queue full", kind="queue")


def _is_away(answer: CommandResult | LogUnavailable) -> bool:
    return isinstance(answer, LogUnavailable) and not isinstance(answer, PartitionsHeld)


_HELD = PartitionsHeld("other sessions hold the partitions")


def _answer(done: list[_Answered]) -> None:
    for loop, resolved in _by_loop(done).items():
        try:
            loop.call_soon_threadsafe(_resolve, resolved)
        except RuntimeError:
            logger.warning("answers without a receiver", answers=len(resolved))


def _by_loop(done: list[_Answered]) -> dict[asyncio.AbstractEventLoop, list[_Answered]]:
    loops: dict[asyncio.AbstractEventLoop, list[_Answered]] = {}
    for waiting, answer in done:
        loops.setdefault(waiting.future.get_loop(), []).append((waiting, answer))
    return loops


def _resolve(done: list[_Answered]) -> None:
    """Runs in the event loop, once for a group; who was cancelled while waiting strands nobody else."""
    for waiting, answer in done:
        if waiting.future.done():
            continue
        if isinstance(answer, Unavailable):
            waiting.future.set_exception(answer)
        elif isinstance(answer, LogUnavailable):
            kind: Kind = "partitions" if isinstance(answer, PartitionsHeld) else "database"
            waiting.future.set_exception(Unavailable(str(answer), kind=kind))
        else:
            waiting.future.set_result(answer)
