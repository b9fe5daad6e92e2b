"""The access log: one line per answered request."""

import logging
import time
from functools import lru_cache, partial

from adapters.http.edge.edge import RequestRecord
from adapters.telemetry import logs
from adapters.telemetry.logs import Log


class AccessLog:
    """Only queues the request: the logging thread formats the line."""

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
    """Cached: most lines have the same second."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at))


def access_log() -> AccessLog | None:
    """The access log of this process; None when the log level is above info."""
    log = logs.of_process()
    return AccessLog(log) if log is not None and log.level <= logging.INFO else None
