"""Errors of a request that ends before the application sees it."""


class NoHttp(Exception):
    """The bytes that came are not HTTP."""


class HeadTooLarge(Exception):
    """`limit`: the maximum size of a request line with its headers, in `unit`."""

    def __init__(self, limit: int, unit: str = "bytes") -> None:
        self.limit = limit
        self.unit = unit


class TooSlow(Exception):
    """`wait`: seconds within which a request must arrive."""

    def __init__(self, wait: float) -> None:
        self.wait = wait
