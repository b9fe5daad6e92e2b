"""Sliding windows in Redis that all processes share, behind a circuit breaker."""

import asyncio
import time
from collections.abc import Coroutine
from itertools import count
from pathlib import Path
from secrets import token_hex
from typing import Any, TypeVar

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError, RedisError

from adapters.limits.window import Counted, Limit
from adapters.settings import VARIABLES, InvalidSetting
from application.outage import Outage

SCRIPT = Path(__file__).with_name("count.lua").read_text()

CONNECTIONS = 32
"""Maximum connections of one process. Waiting for a free one does not count as a failure of Redis."""

MISSES = 3
"""Consecutive failures that open the breaker. Failures of concurrent requests count as one."""

PAUSE = 1.0
"""Seconds between two probes of an unavailable Redis."""

PATIENCE = 1.0
"""Additional seconds until the client library gives up a request that no caller waits for."""

GLANCE = 0.005
"""Seconds for an answer that has already arrived, when this process was too busy to read it."""

AWAY = (RedisError, OSError, TimeoutError)
"""Redis cannot be reached, does not answer, or cannot write: it is read-only, out of memory or loading."""

PROBE = Limit("probe", 1_000_000, 1)
"""Never full, so that every probe writes: a Redis that cannot write is not available."""

T = TypeVar("T")


class SharedWindows:
    """While Redis is unavailable no request waits for it; a background task probes it. `missed`: how many requests were
    not counted in Redis. The time is that of the Redis server."""

    def __init__(self, url: str, wait: float, pause: float = PAUSE) -> None:
        """`wait`: seconds that an answer may take; `pause`: seconds between two probes. InvalidSetting."""
        self._wait = wait
        self._pause = pause
        self._pool = _pool(url, wait + PATIENCE)
        self._redis = Redis(connection_pool=self._pool)
        self._script = self._redis.register_script(SCRIPT)
        self._names = map(f"{token_hex(6)}{{:x}}".format, count())
        self._free = asyncio.Semaphore(CONNECTIONS)
        self._asked: set[asyncio.Task[Any]] = set()
        self._looking: asyncio.Task[None] | None = None
        self._misses = 0
        self._missed_at = 0.0
        self.missed = 0
        self._outage = Outage(
            "redis is away: limits are counted by each process", "redis is back: limits are shared again"
        )

    @property
    def reached(self) -> bool:
        return self._looking is None

    async def open(self) -> None:
        """Probe Redis once, before the first request."""
        await self._there()

    async def close(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
        if self._asked:
            await asyncio.wait(self._asked)
        await self._pool.disconnect()

    async def count(self, limit: Limit, who: str) -> tuple[Counted, str] | None:
        """Count one request of `who`, unless the window is full; and its name for `uncount`. None without Redis."""
        async with self._free:
            if self.reached:
                asked_at = time.monotonic()
                try:
                    counted = await self._in_time(self._count(limit, who))
                except AWAY as error:
                    self._miss(error, asked_at)
                else:
                    self._misses = 0
                    return counted
        self.missed += 1
        return None

    async def uncount(self, limit: Limit, who: str, name: str) -> None:
        """Undo one count. If Redis does not answer, the count expires with its window."""
        async with self._free:
            if self.reached:
                asked_at = time.monotonic()
                try:
                    await self._in_time(self._uncount(limit, who, name))
                except AWAY as error:
                    self._miss(error, asked_at)

    async def _count(self, limit: Limit, who: str) -> tuple[Counted, str]:
        name = next(self._names)
        is_counted, seen, wait = await self._script(
            keys=[_key(limit, who)], args=[limit.most, limit.seconds * 1_000_000, name]
        )
        return Counted(0.0 if is_counted else wait / 1e6, seen), name

    async def _uncount(self, limit: Limit, who: str, name: str) -> None:
        await self._redis.zrem(_key(limit, who), name)

    async def _in_time(self, asked: Coroutine[Any, Any, T]) -> T:
        """TimeoutError."""
        answer = asyncio.create_task(asked)
        self._asked.add(answer)
        answer.add_done_callback(self._answered)
        for wait in (self._wait, GLANCE):
            if (await asyncio.wait((answer,), timeout=wait))[0]:
                return answer.result()
        # Not cancelled: the client library loses the connection of a cancelled request.
        raise TimeoutError(f"no answer in {self._wait:g} s")

    def _answered(self, answer: asyncio.Task[Any]) -> None:
        self._asked.remove(answer)
        if not answer.cancelled():
            answer.exception()  # marks it as retrieved: no caller may be left

    async def _there(self) -> bool:
        try:
            await self._in_time(self._count(PROBE, "probe"))
        except Exception as error:  # AWAY, or an answer that the client does not understand
            self._away(error)
            return False
        return True

    def _miss(self, error: Exception, asked_at: float) -> None:
        """Failures of concurrent requests count once."""
        if asked_at < self._missed_at:
            return
        self._missed_at = time.monotonic()
        self._misses += 1
        if self._misses >= MISSES:
            self._away(error)

    def _away(self, error: Exception) -> None:
        self._outage.failed(str(error) or type(error).__name__)
        if self.reached:
            self._looking = asyncio.create_task(self._look())

    async def _look(self) -> None:
        """Until it is back."""
        back = False
        try:
            while not back:
                await asyncio.sleep(self._pause)
                back = await self._there()
        finally:
            self._looking = None
        self._misses = 0
        self._outage.works()


def _key(limit: Limit, who: str) -> str:
    return f"growthrings/{limit.name}/{who}"


def _pool(url: str, wait: float) -> BlockingConnectionPool:
    """A pool whose requests time out after `wait` seconds. InvalidSetting when the URL has invalid options."""
    try:
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=CONNECTIONS,
            timeout=wait,
            socket_timeout=wait,
            socket_connect_timeout=wait,
            protocol=2,
            retry=Retry(NoBackoff(), 1, (ConnectionError,)),  # an idle connection may have been closed
        )
        pool.connection_class(**pool.connection_kwargs)  # validates the options
    except (TypeError, ValueError, RedisError) as error:
        reason = str(error).rpartition("() ")[2]
        raise InvalidSetting(f"{VARIABLES['redis_url']}: its options cannot be used: {reason}") from error
    return pool
