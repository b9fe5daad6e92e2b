"""JSON Web Tokens, ours and those of one other issuer; a verified token is cached until it expires."""

import time
from collections import OrderedDict
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import jwt
from msgspec.structs import replace

from adapters.auth.foreign_keys import ASYMMETRIC, ForeignKeys
from adapters.auth.keys import LIFETIME
from adapters.auth.own_keys import OwnKeys
from application.command import Actor
from application.permissions import SCOPES, scopes_of
from domain.refusal import NotAuthenticated
from domain.user import TITLES

SKEW = 30
"""Seconds by which the clock of the other issuer may differ from ours. Our own tokens have no leeway."""

REMEMBERED = 100_000
"""Maximum number of cached tokens; a full cache drops the oldest one."""

CHANGES = "password_changes"
"""The claim with the number of the user's password changes: a change or reset invalidates earlier tokens."""

LENGTH = 8_192
"""Maximum characters of a token; ours have about 800."""

SUBJECT_LENGTH = 100
"""Maximum characters of a subject; ids of users have 24."""


class Tokens:
    """Issues tokens and identifies their users. The caller checks in the directory that the user still exists and has
    not changed its password since."""

    def __init__(
        self,
        own: OwnKeys,
        issuer: str,
        foreign: ForeignKeys | None = None,
        foreign_issuer: str = "",
        audience: str | None = None,
    ) -> None:
        """`audience`: required of the tokens of the other issuer; None accepts any."""
        self._own = own
        self._issuer = issuer
        self._foreign = foreign
        self._foreign_issuer = foreign_issuer
        self._audience = audience
        self._checked: OrderedDict[bytes, tuple[Actor, float]] = OrderedDict()  # by SHA-256 digest: a token may be long
        self._changes = 0

    def issue(self, user_id: str, role: str, password_changes: int) -> str:
        """A token for a user who has just logged in. `password_changes`: how often it was changed before."""
        kid, key = self._own.signing()
        now = int(time.time())
        claims = {
            "sub": user_id,
            "sub_type": role,
            "iss": self._issuer,
            "iat": now,
            "exp": now + LIFETIME,
            "scope": " ".join(scopes_of(role)),
            CHANGES: password_changes,
        }
        return jwt.encode(claims, key, algorithm="RS256", headers={"kid": kid})

    async def actor(self, authorization: str | None) -> Actor:
        """The user of an `Authorization` header. NotAuthenticated; Unavailable when the keys cannot be fetched now."""
        scheme, _, token = (authorization or "").strip().partition(" ")
        token = token.strip()
        if not token and scheme.lower() in ("", "bearer"):
            raise NotAuthenticated("missing")
        if not token or scheme.lower() != "bearer" or len(token) > LENGTH:
            raise NotAuthenticated("bad")
        self._forget_when_keys_change()
        digest = sha256(token.encode(errors="surrogatepass")).digest()
        remembered = self._checked.get(digest)
        if remembered is None:
            remembered = await self._check(token)
            self._checked[digest] = remembered
            if len(self._checked) > REMEMBERED:
                self._checked.popitem(last=False)
        actor, good_until = remembered
        if time.time() >= good_until:
            self._checked.pop(digest, None)
            raise NotAuthenticated("expired")
        return actor

    def _forget_when_keys_change(self) -> None:
        """A token becomes invalid with its key."""
        self._own.look()
        changes = self._own.changes + (self._foreign.changes if self._foreign else 0)
        if changes != self._changes:
            self._changes = changes
            self._checked.clear()

    async def _check(self, token: str) -> tuple[Actor, float]:
        """The user, and the time until which the token is valid."""
        try:
            header = jwt.get_unverified_header(token)
            kid, algorithm = header.get("kid"), header.get("alg")
            own = self._own.checking(kid)
            if own is not None and (kid is not None or self._foreign is None):
                claims = _verified(token, own.public, ("RS256",), self._issuer)
                return _own_actor(claims), min(float(claims["exp"]), own.until)
            if self._foreign is None or algorithm not in ASYMMETRIC or not self._names_the_other(token):
                raise NotAuthenticated("bad")
            key = await self._foreign.key(kid)
            if key is None:
                raise NotAuthenticated("bad")
            claims = _verified(token, key.public, key.algorithms, self._foreign_issuer, self._audience)
            return _foreign_actor(claims), float(claims["exp"]) + SKEW
        except jwt.ExpiredSignatureError as error:
            raise NotAuthenticated("expired") from error
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError) as error:
            raise NotAuthenticated("bad") from error

    def _names_the_other(self, token: str) -> bool:
        """Whether the token claims to come from the other issuer: only then are its keys fetched."""
        claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
        return claims.get("iss") == self._foreign_issuer


def _verified(
    token: str, key: Any, algorithms: Sequence[str], issuer: str, audience: str | None = None
) -> dict[str, Any]:
    return jwt.decode(
        token,
        key,
        algorithms=algorithms,
        issuer=issuer,
        audience=audience,
        leeway=SKEW,
        options={
            "require": ["sub", "sub_type", "iss", "iat", "exp", *(["aud"] if audience else [])],
            "verify_aud": audience is not None,
            "enforce_minimum_key_length": True,
        },
    )


def _own_actor(claims: dict[str, Any]) -> Actor:
    changes = claims.get(CHANGES, 0)  # older tokens do not have the claim
    if type(changes) is not int:
        raise NotAuthenticated("bad")
    return replace(_actor(claims), password_changes=changes)


def _foreign_actor(claims: dict[str, Any]) -> Actor:
    return replace(_actor(claims), password_changes=None, issued_at=float(claims["iat"]))


def _actor(claims: dict[str, Any]) -> Actor:
    subject, role, scope = claims["sub"], claims["sub_type"], claims.get("scope", "")
    if not (isinstance(subject, str) and isinstance(scope, str) and role in TITLES):
        raise NotAuthenticated("bad")
    # No user has such an id, and PostgreSQL rejects lone surrogates.
    if len(subject) > SUBJECT_LENGTH or not subject.isprintable():
        raise NotAuthenticated("bad")
    return Actor(subject, role, frozenset(known for known in SCOPES if known in scope.split()))
