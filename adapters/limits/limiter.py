"""Rate limits, counted in this process or, with Redis, across all processes. The one place that decides about a 429.

`adapters.http.edge.access` counts every request, `adapters.limits.logins` the failed logins.
"""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from adapters.errors import UsageError
from adapters.limits.window import Limit, Window
from adapters.settings import VARIABLES, Settings
from domain.errors import GrowthringsError

if TYPE_CHECKING:
    from adapters.limits.shared_windows import SharedWindows

LOGINS = "logins"
"""Failed logins with one name from one address."""

LOGINS_OF_ADDRESS, LOGINS_OF_NAME, LOGINS_BEYOND = "logins of address", "logins of name", "logins beyond"
"""Failed logins from one address, with one name, and with one name beyond its limit."""

LOOSER = 10
"""The limits by name and by address are this many times the limit by name and address."""

AREA_SETTINGS = {
    "measurements": "rate_limit_measurements",
    "accounts": "rate_limit_accounts",
    "outcomes": "rate_limit_outcomes",
}
"""API area → the setting of its own limit."""

SECONDS = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400}


class TooManyRequests(GrowthringsError):
    """`limit`: the maximum in a window; `wait`: whole seconds until the next is allowed."""

    def __init__(self, limit: int, wait: int) -> None:
        self.limit = limit
        self.wait = wait


class Reservation(Struct, frozen=True):
    """A counted request that can be undone. `seen`: the number in its window, including it. `name`: its name in Redis,
    None when only this process has counted it."""

    limit: Limit
    who: str
    seen: int
    name: str | None


class LimitsNotShared(UsageError):
    """Several processes would count the limits separately; the message says what to set."""


class Limiter:
    """`refused`: how many requests this process has refused."""

    def __init__(self, limits: Mapping[str, Limit], elsewhere: "SharedWindows | None" = None) -> None:
        """`limits`: by what they limit; the rest is unlimited. `elsewhere`: the windows that all processes share."""
        self._here = {limit: Window(limit) for limit in limits.values()}
        self._limits = dict(limits)
        self._elsewhere = elsewhere
        self.refused = 0

    @property
    def shared(self) -> bool | None:
        """Whether the limits are shared now; None when no Redis is configured."""
        return None if self._elsewhere is None else self._elsewhere.reached

    @property
    def missed(self) -> int:
        """How many requests only this process has counted, because Redis was not available."""
        return 0 if self._elsewhere is None else self._elsewhere.missed

    async def open(self) -> None:
        if self._elsewhere is not None:
            await self._elsewhere.open()

    async def close(self) -> None:
        if self._elsewhere is not None:
            await self._elsewhere.close()

    async def count(self, what: str, who: str) -> Reservation | None:
        """Count one request of `who`; None when `what` is not limited. TooManyRequests, uncounted, when the window is
        full."""
        limit = self._limits.get(what)
        if limit is None:
            return None
        here, name = self._here[limit], None
        found = None if self._elsewhere is None else await self._elsewhere.count(limit, who)
        if found is None:
            counted = here.count(who)
        else:
            counted, name = found
            here.learn(who, counted)
        if counted.wait > 0:
            self.refused += 1
            raise TooManyRequests(limit.most, math.ceil(counted.wait))
        return Reservation(limit, who, counted.seen, name)

    async def uncount(self, reserved: Reservation) -> None:
        """Undo one count."""
        self._here[reserved.limit].uncount(reserved.who)
        if self._elsewhere is not None and reserved.name is not None:
            await self._elsewhere.uncount(reserved.limit, reserved.who, reserved.name)


def limiter(settings: Settings) -> Limiter:
    limits = _limits(settings)
    if settings.redis_url is None or not limits:
        return Limiter(limits)
    # The library takes half as long to load as everything else, and most installations have no Redis.
    from adapters.limits.shared_windows import SharedWindows  # noqa: PLC0415  # see above

    return Limiter(limits, SharedWindows(settings.redis_url, settings.redis_wait))


def require_shared_limits(settings: Settings, workers: int) -> None:
    """Uncounted, where so many API processes would each let as many through as all of them may."""
    limits = _limits(settings)
    if workers > 1 and limits and settings.redis_url is None:
        switches = sorted({VARIABLES[_setting(settings, what)] for what in (*AREA_SETTINGS, LOGINS) if what in limits})
        raise LimitsNotShared(
            f"{workers} workers count their limits together in Redis: set REDIS_URL, or {' and '.join(switches)} to off"
        )


def _limits(settings: Settings) -> dict[str, Limit]:
    """The limit of everything that is counted. API areas without a limit of their own count together."""
    named = {what: _setting(settings, what) for what in (*AREA_SETTINGS, LOGINS)}
    limits = {what: _read(name, getattr(settings, name)) for what, name in named.items()}
    logins = limits[LOGINS]
    if logins is not None:
        for what in (LOGINS_OF_ADDRESS, LOGINS_OF_NAME, LOGINS_BEYOND):
            limits[what] = Limit(what.replace(" ", "_"), LOOSER * logins.most, logins.seconds)
    return {what: limit for what, limit in limits.items() if limit is not None}


def _setting(settings: Settings, what: str) -> str:
    """The setting with the limit of `what`."""
    if what == LOGINS:
        return "login_limit"
    return AREA_SETTINGS[what] if getattr(settings, AREA_SETTINGS[what]) is not None else "rate_limit"


def _read(name: str, text: str) -> Limit | None:
    """`100/second`, or `off`."""
    if text == "off":
        return None
    most, _, unit = text.partition("/")
    return Limit(name, int(most), SECONDS[unit])
