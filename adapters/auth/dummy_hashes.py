"""What is checked in place of the hash of a user who is not there, so that time does not say who is."""

import hmac
from base64 import b64encode
from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate
from secrets import token_bytes

from argon2 import PasswordHasher

from domain.password import canonical

PURPOSE = b"stand-ins"
"""Of the secret by which they are chosen."""


class DummyHashes:
    """Hashes of no password that anybody knows. They cost what the hashes of the users cost: where these have several
    parameters, as after a change of GROWTHRINGS_ARGON2_MEMORY, so have the stand-ins, in the same proportion."""

    def __init__(self, hasher: PasswordHasher, secret: Callable[[], bytes]) -> None:
        """`hasher`: makes new hashes. `secret`: the same in all processes, so that a name costs the same in all."""
        self._secret = secret
        salt, digest = (
            b64encode(token_bytes(length)).decode().rstrip("=") for length in (hasher.salt_len, hasher.hash_len)
        )
        self._rest = f"{salt}${digest}"
        cost = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
        self._parameters = [(f"$argon2id$v=19${cost}$", 1)]

    def learn(self, parameters: Sequence[tuple[str, int]]) -> None:
        """With which parameters there are how many hashes of users; nothing where there are no users."""
        self._parameters = sorted(parameters) or self._parameters

    def of(self, username: str) -> str:
        """For a name: the same again, unless the users' hashes have become others meanwhile."""
        drawn = hmac.digest(self._secret(), canonical(username).encode(), "sha256")[:8]
        point = int.from_bytes(drawn, "big") * sum(number for _, number in self._parameters) >> 64
        ends = list(accumulate(number for _, number in self._parameters))
        parameters, _ = self._parameters[bisect_right(ends, point)]
        return parameters + self._rest
