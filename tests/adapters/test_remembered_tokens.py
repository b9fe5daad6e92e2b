"""Checked tokens are remembered, so that each costs one check of its signature; their memory has a limit."""

import asyncio
import sys
import time
from pathlib import Path
from typing import Any, cast

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from adapters.auth import tokens as checking
from adapters.auth.foreign_keys import ForeignKeys
from adapters.auth.own_keys import OwnKeys, key_source
from adapters.auth.tokens import LENGTH, Tokens
from adapters.settings import Settings
from application.command import Actor
from application.permissions import SCOPES
from domain.refusal import NotAuthenticated
from tests.examples import new_id

SCOPE = "users:read"


class OneKey:
    """A key of another issuer; implements what `Tokens` asks of ForeignKeys."""

    changes = 0

    def __init__(self) -> None:
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.public, self.algorithms = self.private.public_key(), ("ES256",)

    async def key(self, kid: str | None) -> Any:
        return self

    def token(self, subject: str, scope: str) -> str:
        now = int(time.time())
        claims = {"sub": subject, "sub_type": "child", "iss": "other", "iat": now, "exp": now + 600, "scope": scope}
        return jwt.encode(claims, self.private, algorithm="ES256", headers={"kid": "other"})


@pytest.fixture
def other() -> OneKey:
    return OneKey()


@pytest.fixture
def tokens(tmp_path: Path, other: OneKey) -> Tokens:
    return Tokens(OwnKeys(key_source(Settings(), tmp_path)), "ours", cast(ForeignKeys, other), "other")


def check(tokens: Tokens, token: str) -> Actor:
    return asyncio.run(tokens.actor(f"Bearer {token}"))


def test_the_oldest_checked_token_is_forgotten_when_there_are_too_many(
    tokens: Tokens, other: OneKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, "REMEMBERED", 3)
    four = [other.token(new_id(), SCOPE) for _ in range(4)]
    for token in four:
        check(tokens, token)
    checked = []
    monkeypatch.setattr(checking, "_verified", lambda token, *_: checked.append(token))
    for token in four[1:]:
        check(tokens, token)
    assert [] == checked
    with pytest.raises(NotAuthenticated):
        check(tokens, four[0])
    assert [four[0]] == checked


def test_a_long_token_takes_no_more_memory_than_a_short_one(tokens: Tokens, other: OneKey) -> None:
    scopes = " ".join([*SCOPES, *map("unknown:{}".format, range(400))])
    long = other.token(new_id(), scopes)
    assert 6_000 < len(long) <= LENGTH
    actor = check(tokens, long)
    assert frozenset(SCOPES) == actor.scopes
    ((digest, _),) = tokens._checked.items()
    assert sys.getsizeof(digest) < 100


def test_a_subject_that_is_too_long_for_any_user_is_refused(tokens: Tokens, other: OneKey) -> None:
    with pytest.raises(NotAuthenticated):
        check(tokens, other.token("x" * 101, SCOPE))
