"""Limits on how often somebody may do something: counted in a moving window, in this process."""

import math
import time

from limits import parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter


class TooManyRequests(Exception):
    """`limit`: how many there may be in a window; `wait`: whole seconds until there may be another."""

    def __init__(self, limit: int, wait: int) -> None:
        self.limit = limit
        self.wait = wait


class Limiter:
    def __init__(self, limit: str) -> None:
        """`limit`: `10/minute`, or `off`."""
        self._limit = None if limit == "off" else parse(limit)
        self._windows = MovingWindowRateLimiter(MemoryStorage())

    async def count(self, *who: str) -> None:
        """Count one of theirs. TooManyRequests, which does not count, when the window is full."""
        if self._limit is None or await self._windows.hit(self._limit, *who):
            return
        window = await self._windows.get_window_stats(self._limit, *who)
        raise TooManyRequests(self._limit.amount, max(1, math.ceil(window.reset_time - time.time())))
