"""A login costs the same work whether its name is known or not."""

from collections import Counter
from typing import Any

import pytest
from argon2 import PasswordHasher, extract_parameters

from adapters.auth.fair_thread_pool import Requester
from adapters.auth.passwords import NO, Checked, Passwords
from domain.secret import BLANK

MEMORY = 64

BY = Requester("ann", "192.0.2.1")


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
async def test_an_invalid_password_hash_matches_no_password(kept: str) -> None:
    assert NO == await Passwords(MEMORY).check(kept, kept, BY)


async def test_an_unknown_name_is_checked_once_and_as_dearly_as_a_wrong_password(worked: Counter[str]) -> None:
    kept = PasswordHasher(memory_cost=MEMORY).hash("right")
    worked.clear()
    passwords = Passwords(MEMORY)
    assert NO == await passwords.check("right", passwords.dummy_hashes.of("nobody"), BY)
    unknown = Counter(worked)
    worked.clear()
    assert NO == await passwords.check("wrong", kept, BY)
    assert unknown == worked
    assert [1] == list(worked.values())


async def test_the_right_password_matches_and_no_password_is_nobodys() -> None:
    passwords = Passwords(MEMORY)
    kept = await passwords.hash("right", BY)
    assert Checked(True) == await passwords.check("right", kept, BY)
    assert {NO} == {
        await passwords.check(password, passwords.dummy_hashes.of("nobody"), BY)
        for password in ("", "right", "nobody's", kept)
    }


DECOMPOSED, COMPOSED = "pa\u0301ssword", "p\u00e1ssword"


async def test_a_password_matches_however_its_characters_are_composed() -> None:
    passwords = Passwords(MEMORY)
    kept = await passwords.hash(COMPOSED, BY)
    assert [Checked(True)] * 2 == [await passwords.check(each, kept, BY) for each in (COMPOSED, DECOMPOSED)]


async def test_a_password_that_was_set_as_it_was_sent_matches_so_and_its_hash_is_outdated() -> None:
    passwords = Passwords(MEMORY)
    kept = PasswordHasher(memory_cost=MEMORY).hash(DECOMPOSED)
    assert Checked(True, is_outdated=True) == await passwords.check(DECOMPOSED, kept, BY)
    assert NO == await passwords.check(COMPOSED, kept, BY)


async def test_a_hash_of_another_cost_is_outdated() -> None:
    kept = PasswordHasher(memory_cost=2 * MEMORY).hash("right")
    assert Checked(True, is_outdated=True) == await Passwords(MEMORY).check("right", kept, BY)


async def test_a_password_that_nobody_can_have_costs_no_check(worked: Counter[str]) -> None:
    kept = PasswordHasher(memory_cost=MEMORY).hash("right")
    worked.clear()
    assert [NO, NO] == [
        await Passwords(MEMORY).check("x" * 1_025, each, BY)
        for each in (kept, Passwords(MEMORY).dummy_hashes.of("nobody"))
    ]
    assert not worked


async def test_an_unknown_name_costs_as_many_checks_as_a_known_one_where_characters_are_decomposed(
    worked: Counter[str],
) -> None:
    kept = PasswordHasher(memory_cost=MEMORY).hash("right")
    for each in (kept, Passwords(MEMORY).dummy_hashes.of("nobody")):
        worked.clear()
        assert NO == await Passwords(MEMORY).check(DECOMPOSED, each, BY)
        assert [2] == list(worked.values())


async def test_an_unknown_name_costs_what_the_hashes_of_users_cost(worked: Counter[str]) -> None:
    """As after a change of the memory, when no user has logged in since."""
    kept = PasswordHasher(memory_cost=2 * MEMORY).hash("right")
    worked.clear()
    passwords = Passwords(MEMORY)
    passwords.dummy_hashes.learn([(f"$argon2id$v=19$m={2 * MEMORY},t=3,p=4$", 5)])
    for each in (kept, passwords.dummy_hashes.of("nobody")):
        assert NO == await passwords.check("wrong", each, BY)
    assert [2] == list(worked.values()), worked


def test_stand_ins_cost_what_users_cost_in_the_same_proportion_and_stay() -> None:
    cheap, dear = "$argon2id$v=19$m=64,t=3,p=4$", "$argon2id$v=19$m=128,t=3,p=4$"
    one, other = (Passwords(MEMORY, lambda: b"a").dummy_hashes for _ in range(2))
    stranger = Passwords(MEMORY, lambda: b"b").dummy_hashes
    for each in (one, other, stranger):
        each.learn([(dear, 250), (cheap, 750)])
    names = [f"name {number}" for number in range(4_000)]
    costs = [one.of(name).rsplit("$", 2)[0] for name in names]
    assert 700 < Counter(costs)[dear[:-1]] < 1_300
    assert costs == [other.of(name).rsplit("$", 2)[0] for name in names]
    assert costs != [stranger.of(name).rsplit("$", 2)[0] for name in names], "nobody else can tell which"
    one.learn([(dear, 251), (cheap, 750)])
    later = [one.of(name).rsplit("$", 2)[0] for name in names]
    assert sum(before != after for before, after in zip(costs, later, strict=True)) < 40
    one.learn([])
    assert later == [one.of(name).rsplit("$", 2)[0] for name in names]
