"""A thread pool for expensive work that is shared fairly: no client can make all others wait."""

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
"""Maximum number of waiting jobs."""

SHARE = WAITING // 4
"""Maximum number of waiting jobs of one subject, or from one address."""


class Requester(Struct, frozen=True):
    """Who asks for the work, and from which address. `left` returns when the client disconnects; None if unknown."""

    subject: str
    address: str
    left: Callable[[], Awaitable[object]] | None = None


class _Work(Struct, eq=False):
    run: Callable[[], Any]
    by: Requester
    done: asyncio.Future[Any] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    is_begun: bool = False


class FairThreadPool:
    """Serves the addresses in turn, and the jobs of one address in the order of arrival."""

    def __init__(self, threads: int, name: str) -> None:
        self._threads = ThreadPoolExecutor(max_workers=threads, thread_name_prefix=name)
        self._idle = threads
        self._lines: OrderedDict[str, deque[_Work]] = OrderedDict()
        self._shares: Counter[str] = Counter()
        self._waiting = 0

    async def run(self, by: Requester, work: Callable[..., T], *arguments: Any) -> T:
        """Run the work in a thread and return its result.

        Unavailable when too many jobs wait, in all or of this requester. Disconnected when the client left before the
        job began; the job is then dropped.
        """
        asked = _Work(lambda: work(*arguments), by)
        self._enter(asked)
        left = None if by.left is None else asyncio.ensure_future(by.left())
        try:
            if left is not None:
                await asyncio.sleep(0)  # the client may already have left
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
        """The job is done, or its client has left."""
        self._waiting -= 1
        self._shares.subtract(_shares(work.by))
        self._shares += Counter()  # drops the counts that are 0
        line = self._lines.get(work.by.address)
        if not work.is_begun and line is not None:
            line.remove(work)
            if not line:
                del self._lines[work.by.address]

    def _begin(self) -> None:
        """Give each idle thread the next job, one address after the other."""
        while self._idle and self._lines:
            address, line = self._lines.popitem(last=False)
            work = line.popleft()
            if line:
                self._lines[address] = line
            work.is_begun = True
            self._idle -= 1
            begun = asyncio.get_running_loop().run_in_executor(self._threads, work.run)
            # mypy cannot infer the type of a lambda with a default argument.
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
