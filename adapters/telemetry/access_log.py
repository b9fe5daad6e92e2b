"""The access log: a line for each request that was answered."""

import logging
import time
from functools import lru_cache, partial

from adapters.http.edge.edge import RequestRecord
from adapters.telemetry import logs
from adapters.telemetry.logs import Log


class AccessLog:
    """Costs a request no more than a place in a queue: its line is made by the thread that writes it."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def answered(self, record: RequestRecord) -> None:
        self._log.lines.later(partial(self._line, record, time.time()))

    def _line(self, record: RequestRecord, at: float) -> str:
        return self._log.rendered(
            {
                "event": "request",
                "level": "info",
                "timestamp": f"{_second(int(at))}.{int(at * 1_000) % 1_000:03d}Z",
                "process": self._log.process,
                "method": record.method,
                "route": record.route,
                "status": record.status,
                "ms": round(record.seconds * 1_000, 2),
                "user_id": record.user_id,
                "request_id": record.request_id,
            }
        )


@lru_cache(maxsize=2)
def _second(at: int) -> str:
    """Most lines are of the same second."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at))


def access_log() -> AccessLog | None:
    """That of this process; None where lines of its level are not logged."""
    log = logs.of_process()
    return AccessLog(log) if log is not None and log.level <= logging.INFO else None
