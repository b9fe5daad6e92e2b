"""Shares connections fairly between users: the slow queries of one do not block those of the others."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar

CURRENT_USER: ContextVar[str] = ContextVar("asker", default="")
"""The id of the user whose request is being answered. Empty for the service itself."""


class FairSemaphore:
    """A semaphore with a limit for each user: half of the slots, and a quarter while others wait. Waiting users are
    served in turn."""

    def __init__(self, capacity: int) -> None:
        self._free = capacity
        self._limit_alone = max(capacity // 2, 1)
        self._limit_shared = max(capacity // 4, 1)
        self._held: Counter[str] = Counter()
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    @asynccontextmanager
    async def hold(self, user_id: str, *, wait: float) -> AsyncIterator[None]:
        """Hold a slot while the block runs. TimeoutError if none is free within `wait` seconds."""
        slot: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(user_id, deque()).append(slot)
        self._grant()
        try:
            async with asyncio.timeout(None if slot.done() else wait):
                await slot
            yield
        finally:
            self._release(user_id, slot)
            self._grant()

    def _release(self, user_id: str, slot: asyncio.Future[None]) -> None:
        if slot.done() and not slot.cancelled():
            self._held[user_id] -= 1
            self._free += 1
            if not self._held[user_id]:
                del self._held[user_id]
            return
        with suppress(KeyError, ValueError):
            self._waiting[user_id].remove(slot)
            if not self._waiting[user_id]:
                del self._waiting[user_id]

    def _grant(self) -> None:
        """Give free slots to waiting users below their limit; a user who got one goes to the end of the queue."""
        while self._free and (user_id := self._next()) is not None:
            slots = self._waiting.pop(user_id)
            slots.popleft().set_result(None)
            if slots:
                self._waiting[user_id] = slots
            self._held[user_id] += 1
            self._free -= 1

    def _next(self) -> str | None:
        limit = self._limit_shared if len(self._waiting) > 1 else self._limit_alone
        return next((user_id for user_id in self._waiting if self._held[user_id] < limit), None)
