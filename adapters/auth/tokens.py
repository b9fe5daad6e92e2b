"""Tokens: JSON Web Tokens signed with RS256, checked once and then remembered until they expire."""

import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from adapters.auth.keys import public_jwk
from application.command import Actor
from application.permissions import scopes_of
from domain.refusal import NotAuthenticated
from domain.user import TITLES

LIFETIME = 24 * 60 * 60
"""Seconds."""

REMEMBERED = 100_000
"""Checked tokens that are remembered, at most; then all are forgotten, and checked again as they come."""

LENGTH = 8_192
"""Characters of a token, at most: ours have some 800."""


class Tokens:
    """Issues tokens and tells whose they are. Whether that user is still there, the directory knows."""

    def __init__(self, key: RSAPrivateKey, issuer: str) -> None:
        self._key = key
        self._public = key.public_key()
        self._issuer = issuer
        self.jwk = public_jwk(key)
        self._checked: dict[str, tuple[Actor, float]] = {}

    def issue(self, user_id: str, role: str) -> str:
        """A token for a user who has just logged in."""
        now = int(time.time())
        claims = {
            "sub": user_id,
            "sub_type": role,
            "iss": self._issuer,
            "iat": now,
            "exp": now + LIFETIME,
            "scope": " ".join(scopes_of(role)),
        }
        return jwt.encode(claims, self._key, algorithm="RS256", headers={"kid": self.jwk["kid"]})

    def actor(self, authorization: str | None) -> Actor:
        """Whose token an `Authorization` header bears. NotAuthenticated."""
        scheme, _, token = (authorization or "").strip().partition(" ")
        token = token.strip()
        if not token and scheme.lower() in ("", "bearer"):
            raise NotAuthenticated("missing")
        if not token or scheme.lower() != "bearer" or len(token) > LENGTH:
            raise NotAuthenticated("bad")
        remembered = self._checked.get(token)
        if remembered is None:
            remembered = self._check(token)
            if len(self._checked) >= REMEMBERED:
                self._checked.clear()
            self._checked[token] = remembered
        actor, expires_at = remembered
        if time.time() >= expires_at:
            self._checked.pop(token, None)
            raise NotAuthenticated("expired")
        return actor

    def _check(self, token: str) -> tuple[Actor, float]:
        try:
            claims = jwt.decode(
                token,
                self._public,
                algorithms=["RS256"],
                issuer=self._issuer,
                options={"require": ["sub", "sub_type", "iss", "iat", "exp"], "verify_aud": False},
            )
        except jwt.ExpiredSignatureError as error:
            raise NotAuthenticated("expired") from error
        except (jwt.PyJWTError, ValueError) as error:
            raise NotAuthenticated("bad") from error
        return _actor(claims), float(claims["exp"])


def _actor(claims: dict[str, Any]) -> Actor:
    subject, role, scope = claims["sub"], claims["sub_type"], claims.get("scope", "")
    if not (isinstance(subject, str) and isinstance(scope, str) and role in TITLES):
        raise NotAuthenticated("bad")
    return Actor(subject, role, frozenset(scope.split()))
