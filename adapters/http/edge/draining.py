"""Draining: a process that is to end answers the requests that it has, and takes no new ones."""

import asyncio
import math
import time
from collections.abc import Callable

from application.unavailable import Unavailable

PAUSE = 0.02
"""Seconds between two looks at what is waited for."""

DRAIN_TIME = 10.0
"""Seconds that requests in flight have. Only one whose body is still being sent, or a very large calculation, may need
that long; it is cut off then."""


class Draining:
    """Counts the requests in flight, and from some moment on refuses new ones.

    The outermost layer enters with every request, and leaves when it was answered, whatever became of it. What `enter`
    refuses is answered 503 in the envelope of its family, with `Connection: close`, so that its client comes back
    through another process. All but `begin` and `cut_short`, which a signal may call, belong to the event loop's
    thread.
    """

    def __init__(self) -> None:
        self.begun = False
        self.is_cut_short = False
        self.in_flight = 0
        self._deadline = math.inf

    def begin(self) -> None:
        """From now on new requests are refused."""
        self._deadline = time.monotonic() + DRAIN_TIME
        self.begun = True

    def cut_short(self) -> None:
        """From now on nothing is waited for."""
        self.is_cut_short = True

    async def wait_until(self, holds: Callable[[], bool], seconds: float) -> bool:
        """Wait for so many seconds at most, unless it is cut short; whether it holds then."""
        deadline = time.monotonic() + seconds
        while not (is_over := holds()):
            if self.is_cut_short or time.monotonic() > deadline:
                break
            await asyncio.sleep(PAUSE)
        return is_over

    def enter(self) -> None:
        """Unavailable once draining has begun: such a request is not counted, and must not `leave`."""
        if self.begun:
            raise Unavailable("this process is ending", kind="ending")
        self.in_flight += 1

    def leave(self) -> None:
        self.in_flight -= 1

    @property
    def seconds_left(self) -> float:
        """Of what requests in flight have, once it has begun."""
        return max(0.0, self._deadline - time.monotonic())

    @property
    def is_over(self) -> bool:
        """Whether it has begun, and nothing is left to wait for."""
        return self.begun and (self.in_flight == 0 or self.seconds_left == 0.0)
