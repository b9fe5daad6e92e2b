"""A pool of threads for costly work, in which nobody's work keeps that of all others waiting."""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

from msgspec import Struct, field

from adapters.errors import Disconnected
from application.unavailable import Unavailable

T = TypeVar("T")

WAITING = 256
"""Pieces of work that may wait for their turn."""

SHARE = WAITING // 4
"""Of them those of one subject, or from one address."""


class Requester(Struct, frozen=True):
    """For whom, and from which address. `left` returns when that one has left; None where nobody can tell."""

    subject: str
    address: str
    left: Callable[[], Awaitable[object]] | None = None


class _Work(Struct, eq=False):
    run: Callable[[], Any]
    by: Requester
    done: asyncio.Future[Any] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    is_begun: bool = False


class FairThreadPool:
    """Addresses take turns, each with what it asked for first."""

    def __init__(self, threads: int, name: str) -> None:
        self._threads = ThreadPoolExecutor(max_workers=threads, thread_name_prefix=name)
        self._idle = threads
        self._lines: OrderedDict[str, deque[_Work]] = OrderedDict()
        self._shares: Counter[str] = Counter()
        self._waiting = 0

    async def run(self, by: Requester, work: Callable[..., T], *arguments: Any) -> T:
        """The result of the work, once it was done by a thread. Unavailable where too much waits, of all or of one;
        Disconnected where whoever asked has left before it began, and nobody does it."""
        asked = _Work(lambda: work(*arguments), by)
        self._enter(asked)
        left = None if by.left is None else asyncio.ensure_future(by.left())
        try:
            if left is not None:
                await asyncio.sleep(0)  # it may have left before
                if not left.done():
                    self._begin()
                    await asyncio.wait((asked.done, left), return_when=asyncio.FIRST_COMPLETED)
                if not asked.is_begun:
                    raise Disconnected
            self._begin()
            result: T = await asked.done
            return result
        finally:
            self._leave(asked)
            if left is not None:
                left.cancel()
                with suppress(asyncio.CancelledError):
                    await left

    def _enter(self, work: _Work) -> None:
        shares = _shares(work.by)
        if self._waiting >= WAITING or any(self._shares[share] >= SHARE for share in shares):
            raise Unavailable("too many passwords are being checked", kind="passwords")
        self._waiting += 1
        self._shares.update(shares)
        self._lines.setdefault(work.by.address, deque()).append(work)

    def _leave(self, work: _Work) -> None:
        """It is done, or nobody waits for it any longer."""
        self._waiting -= 1
        self._shares.subtract(_shares(work.by))
        self._shares += Counter()  # without those that are at 0
        line = self._lines.get(work.by.address)
        if not work.is_begun and line is not None:
            line.remove(work)
            if not line:
                del self._lines[work.by.address]

    def _begin(self) -> None:
        """Give each idle thread the next work, of one address after another."""
        while self._idle and self._lines:
            address, line = self._lines.popitem(last=False)
            work = line.popleft()
            if line:
                self._lines[address] = line
            work.is_begun = True
            self._idle -= 1
            begun = asyncio.get_running_loop().run_in_executor(self._threads, work.run)
            begun.add_done_callback(lambda begun, work=work: self._end(work, begun))  # type: ignore[misc]

    def _end(self, work: _Work, ended: asyncio.Future[Any]) -> None:
        self._idle += 1
        if not work.done.done():
            if (error := ended.exception()) is not None:
                work.done.set_exception(error)
            else:
                work.done.set_result(ended.result())
        self._begin()


def _shares(by: Requester) -> tuple[str, str]:
    return f"subject {by.subject}", f"address {by.address}"
