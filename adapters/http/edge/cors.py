"""CORS: which origins may send requests from a browser and read the responses."""

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
"""Headers that a page may read, besides those that browsers always expose."""

PREFLIGHT_MAX_AGE = 600
"""Seconds for which a browser may cache a preflight response."""


class Cors:
    """Pages send tokens in a header, so cookies and other credentials are never allowed."""

    def __init__(self, origins: str) -> None:
        """`origins`: separated by commas, each as a browser sends it: `https://app.example.org`."""
        self._origins = frozenset(origin.strip().encode() for origin in origins.split(","))
        self._exposed = (b"access-control-expose-headers", ", ".join(EXPOSED).encode())
        self.preflight: Headers = [
            (b"access-control-allow-methods", b"GET, HEAD, POST, PUT, PATCH, DELETE"),
            (b"access-control-allow-headers", b"Authorization, Content-Type, X-Request-Id"),
            (b"access-control-max-age", b"%d" % PREFLIGHT_MAX_AGE),
        ]

    def headers(self, origin: bytes | None) -> Headers:
        """Headers of a response to a page of this origin, or to a client without one."""
        vary = (b"vary", b"Origin")  # for other origins, too: a cache must not serve their response to an allowed one
        if origin not in self._origins or origin is None:
            return [vary]
        return [vary, (b"access-control-allow-origin", origin), self._exposed]

    def is_preflight(self, method: str, sent: Mapping[bytes, bytes]) -> bool:
        """Whether this is a preflight request of an allowed origin; its response has the headers of `preflight`."""
        asks = method == "OPTIONS" and b"access-control-request-method" in sent
        return asks and sent.get(b"origin") in self._origins
