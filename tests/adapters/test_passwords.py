"""A login costs the same work whether its name is known or not."""

from collections import Counter
from typing import Any

import pytest
from argon2 import PasswordHasher, extract_parameters

from adapters.auth.passwords import Passwords
from domain.secret import BLANK

MEMORY = 64


@pytest.fixture
def worked(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often passwords were hashed and checked, and with which parameters."""
    counts: Counter[str] = Counter()
    verify, hash = PasswordHasher.verify, PasswordHasher.hash

    def verified(hasher: PasswordHasher, kept: str, password: str) -> Any:
        counts[f"checked {extract_parameters(kept)}"] += 1
        return verify(hasher, kept, password)

    def hashed(hasher: PasswordHasher, password: str, **options: Any) -> str:
        counts["hashed"] += 1
        return hash(hasher, password, **options)

    monkeypatch.setattr(PasswordHasher, "verify", verified)
    monkeypatch.setattr(PasswordHasher, "hash", hashed)
    return counts


@pytest.mark.parametrize("kept", [BLANK, "", "hash", "$argon2id$v=19$m=64,t=3,p=4$YQ$YQ"])
async def test_what_is_no_hash_is_of_no_password(kept: str) -> None:
    assert not await Passwords(MEMORY).matches(kept, kept)


async def test_an_unknown_name_is_checked_once_and_as_dearly_as_a_wrong_password(worked: Counter[str]) -> None:
    kept = PasswordHasher(memory_cost=MEMORY).hash("right")
    worked.clear()
    passwords = Passwords(MEMORY)
    assert not await passwords.matches("right", None)
    unknown = Counter(worked)
    worked.clear()
    assert not await passwords.matches("wrong", kept)
    assert unknown == worked
    assert [1] == list(worked.values())


async def test_the_right_password_matches_and_no_password_is_nobodys() -> None:
    passwords = Passwords(MEMORY)
    kept = await passwords.hash("right")
    assert await passwords.matches("right", kept)
    assert not any([await passwords.matches(password, None) for password in ("", "right", "nobody's", kept)])
