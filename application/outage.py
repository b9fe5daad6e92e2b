"""Repeated failures: logged when they begin, once a minute while they last, and when they end."""

import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog

REPEAT = 60.0
"""Seconds between two log lines of an outage. After as many seconds without a failure, it counts as over."""

BEGINNINGS = 5
"""The number of beginnings that are logged in REPEAT seconds: an unsteady resource must not flood the log."""

CAUSES = 100
"""Causes of failures that are told apart, at most; then the one that was seen least recently counts as new."""

logger = structlog.get_logger()


class Outage:
    """The state of one loop, or one resource, that may fail for a while. Every loop that continues after an error has
    one, so that an hour without a database does not fill the disk with one line. For one thread at a time."""

    def __init__(self, failing: str, over: str = "", *, clock: Callable[[], float] | None = None) -> None:
        """`failing` and `over` are the log messages. `over` is needed only if `works` is called."""
        self._failing = failing
        self._over = over
        self._clock = clock or time.monotonic
        self._failures = 0
        self._began = self._failed = self._logged = 0.0
        self._beginnings: deque[float] = deque(maxlen=BEGINNINGS)
        self._is_logged = False

    @property
    def is_on(self) -> bool:
        """Whether the last thing that was reported is a failure."""
        return self._failures > 0

    def failed(self, reason: str, *, error: BaseException | None = None, **fields: Any) -> None:
        """Count a failure. Log it if it is the first (with the traceback of `error`) or the first in a minute."""
        now = self._clock()
        if self._failures and now - self._failed >= REPEAT:
            self._failures = 0
        self._failures += 1
        self._failed = now
        if self._failures == 1:
            self._began = now
            self._is_logged = len(self._beginnings) < BEGINNINGS or now - self._beginnings[0] >= REPEAT
            if self._is_logged:
                self._beginnings.append(now)
                self._logged = now
                logger.warning(self._failing, reason=reason, exc_info=error, **fields)
        elif now - self._logged >= REPEAT:
            self._is_logged, self._logged = True, now
            logger.warning(self._failing, reason=reason, failures=self._failures, seconds=self._seconds(now), **fields)

    def works(self, **fields: Any) -> None:
        """Log the end of an outage, if there is one. Cheap otherwise: it can be called after every success."""
        if self._failures:
            failures, self._failures = self._failures, 0
            if self._is_logged:
                logger.warning(self._over, failures=failures, seconds=self._seconds(self._clock()), **fields)

    def _seconds(self, now: float) -> float:
        return round(now - self._began, 1)


class Outages:
    """An Outage for each cause of failures that are never reported as over: each trace is logged once, not every time.
    To be used by one thread at a time."""

    def __init__(self, failing: str) -> None:
        self._failing = failing
        self._by_cause: dict[str, Outage] = {}

    def failed(self, error: BaseException, **fields: Any) -> str:
        """Count a failure, like `Outage.failed`, and return its cause."""
        cause = cause_of(error)
        outage = self._by_cause.pop(cause, None) or Outage(self._failing)
        self._by_cause[cause] = outage
        if len(self._by_cause) > CAUSES:
            del self._by_cause[next(iter(self._by_cause))]
        outage.failed(cause, error=error, **fields)
        return cause


def cause_of(error: BaseException) -> str:
    """The class of an error and the line that raised it, without the message, which may quote values."""
    trace = error.__traceback__
    if trace is None:
        return type(error).__name__
    while trace.tb_next is not None:
        trace = trace.tb_next
    return f"{type(error).__name__} at {Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
