"""The keys of another issuer: fetched from its JWKS, kept, fetched again from time to time and for an unknown one."""

import asyncio
import time
from collections import deque
from typing import Any

import jwt
import msgspec
from jwt import PyJWK
from msgspec import Struct

from application.outage import Outage
from application.unavailable import Unavailable

FRESH = 300.0
"""Seconds after which the keys are fetched again, so that one that was withdrawn is good no longer."""

FETCHES, WINDOW = 5, 60.0
"""For unknown keys there are so many fetches in so many seconds, at most: whoever makes up tokens cannot make us ask
for each."""

TIME_OUT = 3.0
"""Seconds."""

SIZE = 1024 * 1024
"""Bytes of a JWKS, at most."""

ALGORITHMS = {
    "RSA": ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    "EC": ("ES256", "ES384", "ES512"),
    "OKP": ("EdDSA",),
}
"""Sort of key → algorithms that it may check. There is no symmetric one."""

ASYMMETRIC = frozenset(name for names in ALGORITHMS.values() for name in names)


class ForeignKey(Struct, frozen=True):
    """A public key, and the algorithms of the tokens that it checks."""

    public: Any
    algorithms: tuple[str, ...]


class _Jwks(Struct):
    keys: list[Any]


_decode = msgspec.json.Decoder(_Jwks).decode


class ForeignKeys:
    """`changes`: how often there were other keys than before."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._keys: dict[str | None, ForeignKey] | None = None
        self._text = b""
        self._fetched: deque[float] = deque(maxlen=FETCHES)
        self._fetching = asyncio.Lock()
        self.changes = 0
        self._outage = Outage(
            "could not fetch the JWKS of the other issuer: the keys fetched before stay in use",
            "fetched the JWKS of the other issuer again",
        )

    async def key(self, kid: str | None) -> ForeignKey | None:
        """The key of that `kid`, or without one the only key. Unavailable when the issuer has never answered."""
        found = self._find(kid)
        if found is None and await self._fetch_for_unknown():
            found = self._find(kid)
        if self._keys is None:
            raise Unavailable("the issuer of the token does not answer", kind="issuer")
        return found

    async def keep_fresh(self) -> None:
        """Fetch the keys now, and again and again, until cancelled."""
        while True:
            async with self._fetching:
                await self._fetch()
            await asyncio.sleep(FRESH if self._keys is not None else TIME_OUT)

    def _find(self, kid: str | None) -> ForeignKey | None:
        keys = self._keys or {}
        if kid is None:
            return next(iter(keys.values())) if len(keys) == 1 else None
        return keys.get(kid)

    async def _fetch_for_unknown(self) -> bool:
        """Whether there may be other keys now than when it was called."""
        before = self.changes
        async with self._fetching:
            if self.changes != before:
                return True  # another request has had them fetched meanwhile
            now = time.monotonic()
            if len(self._fetched) == FETCHES and now - self._fetched[0] < WINDOW:
                return False
            self._fetched.append(now)
            await self._fetch()
        return True

    async def _fetch(self) -> None:
        """What cannot be had leaves the keys as they are."""
        import httpx  # only who has another issuer waits until it is loaded

        try:
            text = await self._read()
            keys = _usable(text)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, TimeoutError) as error:
            self._outage.failed(repr(error), url=self._url)
            return
        self._outage.works(url=self._url)
        if text != self._text:
            self._keys, self._text = keys, text
            self.changes += 1

    async def _read(self) -> bytes:
        import httpx

        async with (
            asyncio.timeout(TIME_OUT),
            httpx.AsyncClient(timeout=TIME_OUT) as client,
            client.stream("GET", self._url) as answer,
        ):
            answer.raise_for_status()
            pieces = b""
            async for piece in answer.aiter_bytes():
                pieces += piece
                if len(pieces) > SIZE:
                    raise ValueError(f"a JWKS has at most {SIZE} bytes")
            return pieces


def _usable(text: bytes) -> dict[str | None, ForeignKey]:
    """The asymmetric keys for signatures, by `kid`; others are passed over. ValueError where the text is no JWKS."""
    keys: dict[str | None, ForeignKey] = {}
    for jwk in _decode(text).keys:
        if not isinstance(jwk, dict):
            continue
        named, algorithms = jwk.get("alg"), ALGORITHMS.get(str(jwk.get("kty")), ())
        if jwk.get("use", "sig") != "sig" or "d" in jwk or (named is not None and named not in algorithms):
            continue
        try:
            key = PyJWK(jwk)
        except jwt.PyJWTError:
            continue
        if key.algorithm_name in algorithms and isinstance(key.key_id, str | None):
            may = algorithms if named is None and key.key_type == "RSA" else (key.algorithm_name,)
            keys[key.key_id] = ForeignKey(key.key, may)
    return keys
