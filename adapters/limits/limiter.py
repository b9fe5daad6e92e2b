"""Limits on how often somebody may do something: who is counted where, in this process or, with Redis, in all."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from adapters.limits.window import Limit, Window
from adapters.refused import NotUnderstood
from adapters.settings import VARIABLES, Settings

if TYPE_CHECKING:
    from adapters.redis.shared_windows import SharedWindows

LOGINS = "logins"

FAMILIES = {
    "measurements": "rate_limit_measurements",
    "accounts": "rate_limit_accounts",
    "outcomes": "rate_limit_outcomes",
}
"""Family of endpoints → the setting of its own limit."""

SECONDS = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400}


class TooManyRequests(Exception):
    """`limit`: how many there may be in a window; `wait`: whole seconds until there may be another."""

    def __init__(self, limit: int, wait: int) -> None:
        self.limit = limit
        self.wait = wait


class Uncounted(NotUnderstood):
    """Limits that several processes would count apart from one another; the message says what to set."""


class Limiter:
    """`refused`: how many were refused so far, by this process."""

    def __init__(self, limits: Mapping[str, Limit], elsewhere: "SharedWindows | None" = None) -> None:
        """`limits`: of what is counted; anything else is not. `elsewhere`: where all processes count."""
        here = {limit: Window(limit) for limit in limits.values()}
        self._limits = {what: (limit, here[limit]) for what, limit in limits.items()}
        self._elsewhere = elsewhere
        self.refused = 0

    @property
    def shared(self) -> bool | None:
        """Whether all processes count together now; None where that is not wanted."""
        return None if self._elsewhere is None else self._elsewhere.reached

    @property
    def missed(self) -> int:
        """How many were counted by this process alone that all were to know of."""
        return 0 if self._elsewhere is None else self._elsewhere.missed

    async def open(self) -> None:
        if self._elsewhere is not None:
            await self._elsewhere.open()

    async def close(self) -> None:
        if self._elsewhere is not None:
            await self._elsewhere.close()

    async def count(self, what: str, who: str) -> None:
        """Count one of theirs. TooManyRequests, which does not count, when the window is full."""
        found = self._limits.get(what)
        if found is None:
            return
        limit, here = found
        wait = None if self._elsewhere is None else await self._elsewhere.count(limit, who)
        if wait is None:
            wait = here.count(who)
        if wait > 0:
            self.refused += 1
            raise TooManyRequests(limit.most, math.ceil(wait))


def limiter(settings: Settings) -> Limiter:
    limits = _limits(settings)
    if settings.redis_url is None or not limits:
        return Limiter(limits)
    # Both libraries take half as long to load as everything else together, and most have no Redis.
    from adapters.redis.shared_windows import SharedWindows  # noqa: PLC0415  # see above

    return Limiter(limits, SharedWindows(settings.redis_url, settings.redis_wait))


def refuse_uncounted(settings: Settings, workers: int) -> None:
    """Uncounted, where so many API processes would each let as many through as all of them may."""
    limits = _limits(settings)
    if workers > 1 and limits and settings.redis_url is None:
        switches = sorted({VARIABLES[_setting(settings, what)] for what in limits})
        raise Uncounted(
            f"{workers} workers count their limits together in Redis: set REDIS_URL, or {' and '.join(switches)} to off"
        )


def _limits(settings: Settings) -> dict[str, Limit]:
    """Of what is counted. Families without a limit of their own count together."""
    named = {what: _setting(settings, what) for what in (*FAMILIES, LOGINS)}
    limits = {what: _read(name, getattr(settings, name)) for what, name in named.items()}
    return {what: limit for what, limit in limits.items() if limit is not None}


def _setting(settings: Settings, what: str) -> str:
    """The setting that says the limit of it."""
    if what == LOGINS:
        return "login_limit"
    return FAMILIES[what] if getattr(settings, FAMILIES[what]) is not None else "rate_limit"


def _read(name: str, text: str) -> Limit | None:
    """`100/second`, or `off`."""
    if text == "off":
        return None
    most, _, unit = text.partition("/")
    return Limit(name, int(most), SECONDS[unit])
