"""Draining: a process that is to end answers the requests that it has, and takes no new ones."""

import math
import time

from application.unavailable import Unavailable

DRAIN_TIME = 10.0
"""Seconds that requests in flight have. Only one whose body is still being sent, or a very large calculation, may need
that long; it is cut off then."""


class Draining:
    """Counts the requests in flight, and from some moment on refuses new ones.

    The outermost layer enters with every request, and leaves when it was answered, whatever became of it. What `enter`
    refuses is answered 503 in the envelope of its family, with `Connection: close`, so that its client comes back
    through another process. All but `begin`, which a signal may call, belong to the event loop's thread.
    """

    def __init__(self) -> None:
        self.begun = False
        self.in_flight = 0
        self._deadline = math.inf

    def begin(self) -> None:
        """From now on new requests are refused."""
        self._deadline = time.monotonic() + DRAIN_TIME
        self.begun = True

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
