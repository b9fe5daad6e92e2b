"""The writer: one thread that runs whatever commands are waiting, group by group, and wakes those who wait for them."""

import asyncio
import threading
from collections import deque
from collections.abc import Sequence
from typing import Protocol

import structlog
from msgspec import Struct

from application.command import Answer, Command, Fault
from application.ports import LogUnavailable
from application.processor import Answers

logger = structlog.get_logger()


class Unavailable(Exception):
    """The service cannot take the command now; the client may send it again after some seconds."""

    def __init__(self, reason: str, retry_after: int = 1) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class Runs(Protocol):
    def run(self, waiting: Sequence[Command], *, oldest_waits: bool) -> Answers: ...


class _Waiting(Struct, eq=False):
    command: Command
    size: int
    future: asyncio.Future[Answer]
    passed_over: bool = False


class Writer:
    """A bounded queue in front of a processor. Its size and that of a group count items, not requests."""

    def __init__(self, processor: Runs, *, group_size: int, queue_size: int) -> None:
        self._processor = processor
        self._group_size = group_size
        self._queue_size = queue_size
        self._queue: deque[_Waiting] = deque()
        self._queued = 0
        self._changed = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._work, name="writer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Run what is waiting, then end. Whoever comes later is Unavailable."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join()

    async def submit(self, command: Command) -> Answer:
        """Have the command decided and stored, and its answer.

        Unavailable, and then nothing is stored: when the queue is full, the log away, or the writer stopped. A
        request is never split, and taken however large while the queue is empty.
        """
        waiting = _Waiting(command, max(1, len(command.items)), asyncio.get_running_loop().create_future())
        with self._changed:
            if self._stopping:
                raise Unavailable("stopping")
            if self._queued and self._queued + waiting.size > self._queue_size:
                raise Unavailable("queue full")
            self._queue.append(waiting)
            self._queued += waiting.size
            self._changed.notify()
        return await waiting.future

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._queue and not self._stopping:
                    self._changed.wait()
                if not self._queue:
                    return
                group = self._take()
            self._run(group)

    def _take(self) -> list[_Waiting]:
        """The oldest, and what else fits into a group beside it."""
        group = [self._queue.popleft()]
        size = group[0].size
        while self._queue and size + self._queue[0].size <= self._group_size:
            group.append(self._queue.popleft())
            size += group[-1].size
        return group

    def _run(self, group: list[_Waiting]) -> None:
        try:
            answers = self._processor.run(
                [waiting.command for waiting in group], oldest_waits=group[0].passed_over or len(group) == 1
            )
        except Exception:
            logger.exception("group failed", request_ids=[waiting.command.request_id for waiting in group])
            answers = {place: Fault() for place in range(len(group))}
        done = []
        with self._changed:
            for place in reversed(range(len(group))):
                if place in answers:
                    done.append((group[place], answers[place]))
                    self._queued -= group[place].size
                else:
                    group[place].passed_over = True
                    self._queue.appendleft(group[place])
        for loop, resolved in _by_loop(done).items():
            try:
                loop.call_soon_threadsafe(_resolve, resolved)
            except RuntimeError:
                logger.warning("answers without a receiver", answers=len(resolved))


def _by_loop(
    done: list[tuple[_Waiting, Answer | LogUnavailable]],
) -> dict[asyncio.AbstractEventLoop, list[tuple[_Waiting, Answer | LogUnavailable]]]:
    loops: dict[asyncio.AbstractEventLoop, list[tuple[_Waiting, Answer | LogUnavailable]]] = {}
    for waiting, answer in done:
        loops.setdefault(waiting.future.get_loop(), []).append((waiting, answer))
    return loops


def _resolve(done: list[tuple[_Waiting, Answer | LogUnavailable]]) -> None:
    """Runs in the event loop, once for a group; who was cancelled while waiting strands nobody else."""
    for waiting, answer in done:
        if waiting.future.done():
            continue
        if isinstance(answer, LogUnavailable):
            waiting.future.set_exception(Unavailable(str(answer)))
        else:
            waiting.future.set_result(answer)
