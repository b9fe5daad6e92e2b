"""Moving windows in Redis, which all processes share, behind a breaker: a Redis that is away costs one short wait."""

import asyncio
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

from limits import RateLimitItemPerSecond
from limits.aio.storage import RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter
from redis.asyncio import BlockingConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError, RedisError

from adapters.limits.window import Limit
from application.outage import Outage

CONNECTIONS = 32
"""That one process has at most; who finds all of them in use waits for one, which is no fault of Redis."""

PAUSE = 1.0
"""Seconds between two looks at a Redis that is away."""

PATIENCE = 1.0
"""Seconds more until the client itself gives up what nobody waits for any longer."""

GLANCE = 0.005
"""Seconds for what has come meanwhile, when this process itself was what took so long."""

AWAY = (RedisError, OSError, TimeoutError)
"""It cannot be reached, does not answer, or answers that it cannot do this: read only, out of memory, loading."""

PROBE = RateLimitItemPerSecond(1_000_000)
"""Never full, so that a look writes: a Redis that cannot is not there."""

T = TypeVar("T")


class SharedWindows:
    """While Redis is away nobody waits for it: a task of its own looks whether it is back. `missed`: how many were not
    counted in it. Times are those of the machine that counts, so clocks have to agree."""

    def __init__(self, url: str, wait: float, pause: float = PAUSE) -> None:
        """`wait`: seconds that an answer may take; `pause`: seconds between two looks."""
        self._wait = wait
        self._pause = pause
        self._pool = BlockingConnectionPool.from_url(
            url,
            max_connections=CONNECTIONS,
            timeout=wait + PATIENCE,
            socket_timeout=wait + PATIENCE,
            socket_connect_timeout=wait + PATIENCE,
            protocol=2,
            retry=Retry(NoBackoff(), 1, (ConnectionError,)),  # a connection may have been closed while it was idle
        )
        storage = RedisStorage(
            "async+redis://",
            implementation="redispy",
            connection_pool=self._pool,  # type: ignore[arg-type]  # its documentation says that it may
            key_prefix="growthrings",
        )
        self._windows = MovingWindowRateLimiter(storage)
        self._free = asyncio.Semaphore(CONNECTIONS)
        self._asked: set[asyncio.Task[Any]] = set()
        self._looking: asyncio.Task[None] | None = None
        self.missed = 0
        self._outage = Outage(
            "redis is away: limits are counted by each process", "redis is back: limits are shared again"
        )

    @property
    def reached(self) -> bool:
        return self._looking is None

    async def open(self) -> None:
        """Have a first look, so that nobody's request is the first."""
        await self._there()

    async def close(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
        if self._asked:
            await asyncio.wait(self._asked)
        await self._pool.disconnect()

    async def count(self, limit: Limit, who: str) -> float | None:
        """Count one of theirs: 0. Or the seconds until there may be another. None when Redis is away."""
        async with self._free:
            if self.reached:
                try:
                    return await self._in_time(self._count(limit, who))
                except AWAY as error:
                    self._away(error)
        self.missed += 1
        return None

    async def _count(self, limit: Limit, who: str) -> float:
        item = RateLimitItemPerSecond(limit.most, limit.seconds)
        if await self._windows.hit(item, limit.name, who):
            return 0.0
        window = await self._windows.get_window_stats(item, limit.name, who)
        return max(window.reset_time - time.time(), 0.001)  # it may have passed since

    async def _in_time(self, asked: Coroutine[Any, Any, T]) -> T:
        """TimeoutError."""
        answer = asyncio.create_task(asked)
        self._asked.add(answer)
        answer.add_done_callback(self._answered)
        for wait in (self._wait, GLANCE):
            if (await asyncio.wait((answer,), timeout=wait))[0]:
                return answer.result()
        # It is left to end by itself: the client loses connections of what is cancelled.
        raise TimeoutError(f"no answer in {self._wait:g} s")

    def _answered(self, answer: asyncio.Task[Any]) -> None:
        self._asked.remove(answer)
        if not answer.cancelled():
            answer.exception()  # nobody may be there to see it

    async def _there(self) -> bool:
        try:
            await self._in_time(self._windows.hit(PROBE, "probe"))
        except AWAY as error:
            self._away(error)
            return False
        return True

    def _away(self, error: Exception) -> None:
        self._outage.failed(str(error) or type(error).__name__)
        if self.reached:
            self._looking = asyncio.create_task(self._look())

    async def _look(self) -> None:
        back = False
        while not back:
            await asyncio.sleep(self._pause)
            back = await self._there()
        self._looking = None
        self._outage.works()
