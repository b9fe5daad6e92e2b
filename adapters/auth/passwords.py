"""Hashes and checks passwords with Argon2id, in a bounded thread pool."""

import os
from collections.abc import Callable

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from msgspec import Struct

from adapters.auth.dummy_hashes import DummyHashes
from adapters.auth.fair_thread_pool import FairThreadPool, Requester
from domain.password import canonical, is_too_long

AT_ONCE = 4
"""Maximum number of concurrent checks: each takes memory, and a container sees more cores than it may use."""


class Checked(Struct, frozen=True):
    """The result of a check. `is_outdated`: the hash has other parameters than new hashes, or was not made from the
    password in Unicode NFC."""

    matches: bool
    is_outdated: bool = False


NO = Checked(False)


class Passwords:
    def __init__(self, memory: int, secret: Callable[[], bytes] = lambda: b"") -> None:
        """`memory`: KiB that a new hash takes. `secret`: chooses the parameters of the dummy hashes."""
        self._hasher = PasswordHasher(memory_cost=memory)
        self._turns = FairThreadPool(min(os.cpu_count() or 1, AT_ONCE), "password")
        self.dummy_hashes = DummyHashes(self._hasher, secret)

    async def hash(self, password: str, by: Requester) -> str:
        """The hash to store. Raises what `FairThreadPool.run` raises."""
        return await self._turns.run(by, self._hasher.hash, password)

    async def check(self, password: str, kept: str, by: Requester) -> Checked:
        """Whether the password matches the hash. Raises what `FairThreadPool.run` raises."""
        if is_too_long(password):
            return NO
        return await self._turns.run(by, self._check, kept, password)

    def _check(self, kept: str, password: str) -> Checked:
        """Checks the password in Unicode NFC, then as it was sent: old hashes were made from that."""
        form = canonical(password)
        for each in dict.fromkeys((form, password)):
            if self._verify(kept, each):
                return Checked(True, each != form or self._hasher.check_needs_rehash(kept))
        return NO

    def _verify(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept, password)
        except (VerificationError, InvalidHashError, UnicodeEncodeError):  # as where a log came without its hashes
            return False
