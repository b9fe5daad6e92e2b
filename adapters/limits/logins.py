"""How often somebody may fail to log in, counted where it does not lock out whom others pretend to be.

Failures are counted by name and address, and ten times as loosely by the name alone and by the address alone. Beyond
the limit of a name, an address that has not failed with it has one check in a window, out of as many again for the
name. Each login counts as a failure until it has succeeded, so that as many at once as one likes are no way around.
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
"""Logins of one name from one address that may wait for one another; one at a time is checked."""


class Logins:
    def __init__(self, limiter: Limiter) -> None:
        self._limiter = limiter
        self._turns: dict[str, _Turn] = {}

    @asynccontextmanager
    async def from_address(self, address: str) -> AsyncIterator[None]:
        """A login from an address, before it is known whose. TooManyRequests where too many from there have failed."""
        async with self._attempt() as attempt:
            await attempt.count(LOGINS_OF_ADDRESS, address)
            yield

    @asynccontextmanager
    async def of_name(self, username: str, address: str) -> AsyncIterator[None]:
        """The same, once it is known whose, in its turn among those of the same name from the same address.
        TooManyRequests where too many have failed; Unavailable where too many wait."""
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
        """What is raised in the block says whether the login has failed: else what was counted is taken back."""
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
    """What one login has counted so far."""

    def __init__(self, limiter: Limiter) -> None:
        self._limiter = limiter
        self._reserved: list[Reservation] = []

    async def count(self, what: str, who: str) -> int:
        """How many are in the window, with this one. TooManyRequests."""
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
