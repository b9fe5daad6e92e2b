"""Draining: a process that is about to end answers the requests that it has, and accepts no new ones."""

import asyncio
import math
import time
from collections.abc import Callable

from application.unavailable import Unavailable

PAUSE = 0.02
"""Seconds between two checks of a condition."""

DRAIN_TIME = 10.0
"""Seconds after which requests in flight are cut off. Only a body that is still being sent, or a very large
calculation, can take that long."""


class Draining:
    """Counts the requests in flight, and rejects new ones once draining has begun.

    The edge calls `enter` for every request and `leave` after its response. A request that `enter` rejects is answered
    503 with `Connection: close`, so that the client reconnects to another process. A signal handler may call `begin`
    and `cut_short`; all other methods must be called on the event loop's thread.
    """

    def __init__(self) -> None:
        self.begun = False
        self.is_cut_short = False
        self.in_flight = 0
        self._deadline = math.inf

    def begin(self) -> None:
        """Reject new requests from now on."""
        self._deadline = time.monotonic() + DRAIN_TIME
        self.begun = True

    def cut_short(self) -> None:
        """Stop waiting for anything."""
        self.is_cut_short = True

    async def wait_until(self, holds: Callable[[], bool], seconds: float) -> bool:
        """Wait until a condition holds, at most `seconds` and not after `cut_short`. Returns whether it holds."""
        deadline = time.monotonic() + seconds
        while not (is_over := holds()):
            if self.is_cut_short or time.monotonic() > deadline:
                break
            await asyncio.sleep(PAUSE)
        return is_over

    def enter(self) -> None:
        """Count a request. Raises Unavailable once draining has begun; then the request must not `leave`."""
        if self.begun:
            raise Unavailable("this process is ending", kind="ending")
        self.in_flight += 1

    def leave(self) -> None:
        self.in_flight -= 1

    @property
    def seconds_left(self) -> float:
        """Seconds that requests in flight have left, once draining has begun."""
        return max(0.0, self._deadline - time.monotonic())

    @property
    def is_over(self) -> bool:
        """Whether draining has begun, and no request is left or its time is over."""
        return self.begun and (self.in_flight == 0 or self.seconds_left == 0.0)
