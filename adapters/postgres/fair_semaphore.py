"""Shares the connections for questions out among those who ask: nobody's slow questions hold up everybody else's."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar

CURRENT_USER: ContextVar[str] = ContextVar("asker", default="")
"""For whom the current request asks: the id of a user. Empty for the service itself."""


class FairSemaphore:
    """Up to `most` holders at once. One subject holds half of the places at most, and gets none beyond a quarter while
    others wait; those who wait are served in turn, subject by subject."""

    def __init__(self, most: int) -> None:
        self._free = most
        self._of_one_alone = max(most // 2, 1)
        self._of_one = max(most // 4, 1)
        self._held: Counter[str] = Counter()
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    @asynccontextmanager
    async def held(self, subject: str, *, wait: float) -> AsyncIterator[None]:
        """Hold a place for as long as the block runs. TimeoutError where there is none in so many seconds."""
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(subject, deque()).append(place)
        self._grant()
        try:
            async with asyncio.timeout(None if place.done() else wait):
                await place
            yield
        finally:
            self._give_back(subject, place)
            self._grant()

    def _give_back(self, subject: str, place: asyncio.Future[None]) -> None:
        if place.done() and not place.cancelled():
            self._held[subject] -= 1
            self._free += 1
            if not self._held[subject]:
                del self._held[subject]
            return
        with suppress(KeyError, ValueError):
            self._waiting[subject].remove(place)
            if not self._waiting[subject]:
                del self._waiting[subject]

    def _grant(self) -> None:
        """Give the free places to those who may have them; whoever got one goes to the end."""
        while self._free and (subject := self._next()) is not None:
            places = self._waiting.pop(subject)
            places.popleft().set_result(None)
            if places:
                self._waiting[subject] = places
            self._held[subject] += 1
            self._free -= 1

    def _next(self) -> str | None:
        most = self._of_one if len(self._waiting) > 1 else self._of_one_alone
        return next((subject for subject in self._waiting if self._held[subject] < most), None)
