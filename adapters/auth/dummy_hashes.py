"""Dummy hashes for unknown user names, so that the time of a login does not show which users exist."""

import hmac
from base64 import b64encode
from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate
from secrets import token_bytes

from argon2 import PasswordHasher

from domain.password import canonical

PURPOSE = b"stand-ins"
"""The purpose of the secret that chooses the parameters."""


class DummyHashes:
    """Hashes that no known password matches. Checking one costs as much as checking the hash of a user. After a change
    of GROWTHRINGS_ARGON2_MEMORY users have hashes of several costs; dummy hashes have the same proportion."""

    def __init__(self, hasher: PasswordHasher, secret: Callable[[], bytes]) -> None:
        """`hasher`: has the parameters of new hashes. `secret`: the same in all processes."""
        self._secret = secret
        salt, digest = (
            b64encode(token_bytes(length)).decode().rstrip("=") for length in (hasher.salt_len, hasher.hash_len)
        )
        self._rest = f"{salt}${digest}"
        cost = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
        self._parameters = [(f"$argon2id$v=19${cost}$", 1)]

    def learn(self, parameters: Sequence[tuple[str, int]]) -> None:
        """Update the parameters: how many hashes of users have which. Empty when there are no users."""
        self._parameters = sorted(parameters) or self._parameters

    def of(self, username: str) -> str:
        """The dummy hash of a name; it changes only when the parameters of the users' hashes change."""
        drawn = hmac.digest(self._secret(), canonical(username).encode(), "sha256")[:8]
        point = int.from_bytes(drawn, "big") * sum(number for _, number in self._parameters) >> 64
        ends = list(accumulate(number for _, number in self._parameters))
        parameters, _ = self._parameters[bisect_right(ends, point)]
        return parameters + self._rest
