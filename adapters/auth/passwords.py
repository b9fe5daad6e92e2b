"""Passwords: Argon2id, off the event loop, and never more at once than the machine can bear."""

import os
from base64 import b64encode
from secrets import token_bytes

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from msgspec import Struct

from adapters.auth.turns import By, Turns
from domain.password import canonical, is_too_long

AT_ONCE = 4
"""Passwords that are checked at a time, at most: each takes memory, and a container has fewer cores than it sees."""


class Checked(Struct, frozen=True):
    """What became of a check. `is_outdated`: the hash has other parameters than new ones, or is not of the password in
    Unicode NFC."""

    matches: bool
    is_outdated: bool = False


NO = Checked(False)


class Passwords:
    def __init__(self, memory: int) -> None:
        """`memory`: KiB that one hash takes."""
        self._hasher = PasswordHasher(memory_cost=memory)
        self._turns = Turns(min(os.cpu_count() or 1, AT_ONCE), "password")
        self._nobodys = _nobodys(self._hasher)

    async def hash(self, password: str, by: By) -> str:
        """The hash to keep. What `Turns.run` says."""
        return await self._turns.run(by, self._hasher.hash, password)

    async def check(self, password: str, kept: str | None, by: By) -> Checked:
        """Whether the password is the one; where nothing is kept, no, after the same time. What `Turns.run`
        says."""
        if is_too_long(password):
            return NO
        checked = await self._turns.run(by, self._check, kept or self._nobodys, password)
        return checked if kept is not None else NO

    def _check(self, kept: str, password: str) -> Checked:
        """In Unicode NFC; a password that was set before that was the rule may be another as it was sent."""
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


def _nobodys(hasher: PasswordHasher) -> str:
    """What looks like a hash of this hasher's, and takes as long to check, but is of no password that anybody knows."""
    salt, digest = (
        b64encode(token_bytes(length)).decode().rstrip("=") for length in (hasher.salt_len, hasher.hash_len)
    )
    cost = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"$argon2id$v=19${cost}${salt}${digest}"
