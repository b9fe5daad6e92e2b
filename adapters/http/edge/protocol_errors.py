"""Errors of a request that ends before the application sees it."""

from domain.errors import GrowthringsError


class NoHttp(GrowthringsError):
    """The bytes that came are not HTTP."""


class HeadTooLarge(GrowthringsError):
    """`limit`: the maximum size of a request line with its headers, in `unit`."""

    def __init__(self, limit: int, unit: str = "bytes") -> None:
        self.limit = limit
        self.unit = unit


class TooSlow(GrowthringsError):
    """`wait`: seconds within which a request must arrive."""

    def __init__(self, wait: float) -> None:
        self.wait = wait
