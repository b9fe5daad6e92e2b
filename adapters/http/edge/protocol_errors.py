"""Errors of a request that ends before the application sees it."""


class NoHttp(Exception):
    """What came is no HTTP."""


class HeadTooLarge(Exception):
    """`limit`: bytes of a request line with its headers, or `unit` of them, at most."""

    def __init__(self, limit: int, unit: str = "bytes") -> None:
        self.limit = limit
        self.unit = unit


class TooSlow(Exception):
    """`wait`: seconds that a request may take to arrive."""

    def __init__(self, wait: float) -> None:
        self.wait = wait
