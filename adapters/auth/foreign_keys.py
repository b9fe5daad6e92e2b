"""The keys of another issuer: fetched from its JWKS, cached, and fetched again regularly and for an unknown key."""

import asyncio
import time
from collections import deque
from typing import Any

import msgspec
import structlog
from jwt import PyJWK
from msgspec import Struct

from application.outage import Outage
from application.unavailable import Unavailable

FRESH = 300.0
"""Seconds after which the keys are fetched again, so that a withdrawn key becomes invalid."""

FETCHES, WINDOW = 5, 60.0
"""Maximum number of fetches for unknown keys, and the seconds in which they count: forged tokens must not cause a
request each."""

TIME_OUT = 3.0
"""Seconds."""

SIZE = 1024 * 1024
"""Maximum bytes of a JWKS."""

QUOTED = 200
"""Maximum number of characters that the log quotes of an error or a key id of the issuer."""

ALGORITHMS = {
    "RSA": ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    "EC": ("ES256", "ES384", "ES512"),
    "OKP": ("EdDSA",),
}
"""Key type → the algorithms that it may verify. All are asymmetric."""

ASYMMETRIC = frozenset(name for names in ALGORITHMS.values() for name in names)

logger = structlog.get_logger()


class ForeignKey(Struct, frozen=True):
    """A public key, and the algorithms of the tokens that it verifies."""

    public: Any
    algorithms: tuple[str, ...]


class _Jwks(Struct):
    keys: list[Any]


_decode = msgspec.json.Decoder(_Jwks).decode


class ForeignKeys:
    """`changes`: how often the set of keys has changed."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._keys: dict[str | None, ForeignKey] | None = None
        self._text = b""
        self._failures = 0
        self._fetched: deque[float] = deque(maxlen=FETCHES)
        self._fetching = asyncio.Lock()
        self.changes = 0
        self._outage = Outage(
            "could not fetch the JWKS of the other issuer: the keys fetched before stay in use",
            "fetched the JWKS of the other issuer again",
        )

    async def key(self, kid: str | None) -> ForeignKey | None:
        """The key with this `kid`; without a `kid`, the only key. Unavailable when the issuer has never answered."""
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
        """Whether the keys may have changed since the call."""
        changes, failures = self.changes, self._failures
        async with self._fetching:
            if self.changes != changes:
                return True  # another request has fetched them meanwhile
            if self._failures != failures:
                return False  # the fetch failed: a request must not wait for two time-outs
            now = time.monotonic()
            if len(self._fetched) == FETCHES and now - self._fetched[0] < WINDOW:
                return False
            self._fetched.append(now)
            await self._fetch()
        return True

    async def _fetch(self) -> None:
        """A failure leaves the keys unchanged."""
        try:
            text = await self._read()
            if text != self._text:
                self._keys, self._text = _usable(text), text
                self.changes += 1
        except Exception as error:  # whatever another's server says ends neither this loop nor a request
            self._failures += 1
            self._outage.failed(repr(error)[:QUOTED], url=self._url)
        else:
            self._outage.works(url=self._url)

    async def _read(self) -> bytes:
        import httpx  # loaded only when another issuer is configured

        pieces = bytearray()
        async with (
            asyncio.timeout(TIME_OUT),
            httpx.AsyncClient(timeout=TIME_OUT) as client,
            client.stream("GET", self._url, headers={"Accept-Encoding": "identity"}) as answer,
        ):
            answer.raise_for_status()
            if (packed := answer.headers.get("Content-Encoding", "identity").lower()) != "identity":
                raise ValueError(f"the JWKS is packed ({packed}), and so of any size")
            async for piece in answer.aiter_raw():
                pieces += piece
                if len(pieces) > SIZE:
                    raise ValueError(f"the JWKS has more than {SIZE} bytes")
        return bytes(pieces)


def _usable(text: bytes) -> dict[str | None, ForeignKey]:
    """The asymmetric signing keys, by `kid`; others are skipped with a warning. MsgspecError when the text is not a
    JWKS."""
    keys: dict[str | None, ForeignKey] = {}
    for place, jwk in enumerate(_decode(text).keys):
        try:
            kid, key = _usable_key(jwk)
        except Exception as error:  # libraries raise all sorts of errors for what is no key
            named = str(jwk.get("kid"))[:QUOTED] if isinstance(jwk, dict) else None
            logger.warning("a key of the other issuer is skipped", place=place, kid=named, reason=repr(error)[:QUOTED])
        else:
            keys[kid] = key
    return keys


def _usable_key(jwk: Any) -> tuple[str | None, ForeignKey]:
    """A key with its `kid`. ValueError for an unusable key; a broken key may raise anything."""
    if not isinstance(jwk, dict):
        raise TypeError("it is no object")
    named, algorithms = jwk.get("alg"), ALGORITHMS.get(str(jwk.get("kty")), ())
    if not algorithms:
        raise ValueError(f"its kty is none of {', '.join(ALGORITHMS)}")
    if jwk.get("use", "sig") != "sig":
        raise ValueError("its use is not sig")
    if "d" in jwk:
        raise ValueError("it is a private key")
    if named is not None and named not in algorithms:
        raise ValueError(f"its alg is none of {', '.join(algorithms)}")
    key = PyJWK(jwk)
    if key.algorithm_name not in algorithms or not isinstance(key.key_id, str | None):
        raise ValueError("its algorithm or its kid cannot be used")
    may = algorithms if named is None and key.key_type == "RSA" else (key.algorithm_name,)
    return key.key_id, ForeignKey(key.key, may)
