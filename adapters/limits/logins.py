"""Limits failed logins without locking out the owner of a name that others attack.

Failures are counted by name and address, and with ten times the limit by name alone and by address alone. When a name
is over its limit, an address without failures of that name may still try once per window; the name has a second limit
of the same size for these. Each login counts as a failure until it succeeds, so concurrent logins cannot evade limits.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256

from msgspec import Struct, field

from adapters.limits.limiter import (
    LOGINS,
    LOGINS_BEYOND,
    LOGINS_OF_ADDRESS,
    LOGINS_OF_NAME,
    Limiter,
    Reservation,
    TooManyRequests,
)
from application.unavailable import Unavailable
from domain.password import canonical
from domain.refusal import LoginRefused, PasswordDiffers

AT_ONCE = 64
"""Maximum number of waiting logins with one name from one address; they are checked one at a time."""


class Logins:
    def __init__(self, limiter: Limiter) -> None:
        self._limiter = limiter
        self._turns: dict[str, _Turn] = {}

    @asynccontextmanager
    async def from_address(self, address: str) -> AsyncIterator[None]:
        """Count a login before its user is known. TooManyRequests when too many logins from the address have failed."""
        async with self._attempt() as attempt:
            await attempt.count(LOGINS_OF_ADDRESS, address)
            yield

    @asynccontextmanager
    async def of_name(self, username: str, address: str) -> AsyncIterator[None]:
        """Count a login of a known name; logins with one name from one address run one after the other.
        TooManyRequests when too many have failed; Unavailable when too many wait."""
        name = sha256(canonical(username).encode()).hexdigest()
        async with self._turn(f"{address}/{name}"), self._attempt() as attempt:
            seen = await attempt.count(LOGINS, f"{address}/{name}")
            try:
                await attempt.count(LOGINS_OF_NAME, name)
            except TooManyRequests:
                if seen > 1:
                    raise
                await attempt.count(LOGINS_BEYOND, name)
            yield

    @asynccontextmanager
    async def _attempt(self) -> AsyncIterator["_Attempt"]:
        """An error of the block that means a failed login keeps the counts; otherwise they are undone."""
        attempt = _Attempt(self._limiter)
        try:
            yield attempt
        except (LoginRefused, PasswordDiffers):
            raise
        except BaseException:
            await attempt.take_back()
            raise
        await attempt.take_back()

    @asynccontextmanager
    async def _turn(self, who: str) -> AsyncIterator[None]:
        turn = self._turns.setdefault(who, _Turn())
        if turn.waiting >= AT_ONCE:
            raise Unavailable("too many logins of one user from one address wait", kind="passwords")
        turn.waiting += 1
        try:
            async with turn.lock:
                yield
        finally:
            turn.waiting -= 1
            if not turn.waiting:
                del self._turns[who]


class _Attempt:
    """The counts of one login."""

    def __init__(self, limiter: Limiter) -> None:
        self._limiter = limiter
        self._reserved: list[Reservation] = []

    async def count(self, what: str, who: str) -> int:
        """The number in the window, including this one. TooManyRequests."""
        reserved = await self._limiter.count(what, who)
        if reserved is None:
            return 0
        self._reserved.append(reserved)
        return reserved.seen

    async def take_back(self) -> None:
        for reserved in self._reserved:
            await self._limiter.uncount(reserved)


class _Turn(Struct):
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: int = 0
