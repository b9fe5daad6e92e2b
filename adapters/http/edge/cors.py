"""CORS: which pages of other origins a browser lets ask here, and read what is answered."""

from collections.abc import Mapping

Headers = list[tuple[bytes, bytes]]

EXPOSED = (
    "X-Total-Count",
    "Link",
    "X-Request-Id",
    "Retry-After",
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
)
"""Headers that a page may read; those that every page may read are not among them."""

REMEMBERED = 600
"""Seconds for which a browser need not ask again what it may."""


class Cors:
    """Tokens travel in a header that a page sets itself: cookies, and so credentials, are never allowed."""

    def __init__(self, origins: str) -> None:
        """`origins`: each as a browser sends it, `https://app.example.org`, with commas between."""
        self._origins = frozenset(origin.strip().encode() for origin in origins.split(","))
        self._exposed = (b"access-control-expose-headers", ", ".join(EXPOSED).encode())
        self.preflight: Headers = [
            (b"access-control-allow-methods", b"GET, HEAD, POST, PUT, PATCH, DELETE"),
            (b"access-control-allow-headers", b"Authorization, Content-Type, X-Request-Id"),
            (b"access-control-max-age", b"%d" % REMEMBERED),
        ]

    def headers(self, origin: bytes | None) -> Headers:
        """Of an answer to a page of this origin, or to somebody without one."""
        vary = (b"vary", b"Origin")  # also where nothing is allowed: a cache must not give that to one who may
        if origin not in self._origins or origin is None:
            return [vary]
        return [vary, (b"access-control-allow-origin", origin), self._exposed]

    def asks_first(self, method: str, sent: Mapping[bytes, bytes]) -> bool:
        """Whether a browser asks what a page may that is allowed to ask: `preflight` is added to the headers then."""
        asks = method == "OPTIONS" and b"access-control-request-method" in sent
        return asks and sent.get(b"origin") in self._origins
