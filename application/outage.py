"""Failures that repeat: logged when they begin, once a minute while they last, and when they are over."""

import time
from collections import deque
from collections.abc import Callable
from typing import Any

import structlog

REPEAT = 60.0
"""Seconds between two lines about the same outage; so many without a failure end one that nobody reports as over."""

BEGINNINGS = 5
"""Outages that are logged in REPEAT seconds, at most: what comes and goes all the time is one."""

logger = structlog.get_logger()


class Outage:
    """What one loop, or one resource, cannot do for a while. Every loop that goes on after an error has one, so that a
    database that is away for an hour fills no disk with the same line. To be used by one thread at a time."""

    def __init__(self, failing: str, over: str = "", *, clock: Callable[[], float] | None = None) -> None:
        """`failing` and `over`: the messages of the log. `over` is needed only where `works` is called."""
        self._failing = failing
        self._over = over
        self._clock = clock or time.monotonic
        self._failures = 0
        self._began = self._failed = self._logged = 0.0
        self._beginnings: deque[float] = deque(maxlen=BEGINNINGS)
        self._is_told = False

    @property
    def is_on(self) -> bool:
        """Whether it has failed since it last worked."""
        return self._failures > 0

    def failed(self, reason: str, *, error: BaseException | None = None, **fields: Any) -> None:
        """Count a failure, and log it when it is the first, or the first for a minute. The first is logged with the
        trace of an `error`."""
        now = self._clock()
        if self._failures and now - self._failed >= REPEAT:
            self._failures = 0
        self._failures += 1
        self._failed = now
        if self._failures == 1:
            self._began = now
            self._is_told = len(self._beginnings) < BEGINNINGS or now - self._beginnings[0] >= REPEAT
            if self._is_told:
                self._beginnings.append(now)
                self._logged = now
                logger.warning(self._failing, reason=reason, exc_info=error, **fields)
        elif now - self._logged >= REPEAT:
            self._is_told, self._logged = True, now
            logger.warning(self._failing, reason=reason, failures=self._failures, seconds=self._seconds(now), **fields)

    def works(self, **fields: Any) -> None:
        """Log that it is over, where it was on. Cheap where it was not: may be called for every success."""
        if self._failures:
            failures, self._failures = self._failures, 0
            if self._is_told:
                logger.warning(self._over, failures=failures, seconds=self._seconds(self._clock()), **fields)

    def _seconds(self, now: float) -> float:
        return round(now - self._began, 1)
