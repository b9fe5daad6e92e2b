"""Metrics, traces and the access log. Each is imported only when it is enabled."""

import asyncio
from typing import TYPE_CHECKING, Any

import structlog
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp

from adapters.http.api import metrics
from adapters.http.edge.edge import RequestRecord
from adapters.limits.limiter import Limiter
from adapters.postgres.health_probe import HealthProbe
from adapters.settings import VARIABLES, Settings
from adapters.telemetry.access_log import access_log
from adapters.telemetry.steps import TimedLog
from application.ports import K, Log
from application.writer import BatchRun, Writer

if TYPE_CHECKING:
    from adapters.telemetry.exposition import Exposition
    from adapters.telemetry.traces import Traces

logger = structlog.get_logger()

PAUSE = 1.0
"""Seconds between two samples of the queue and the limits, which the other API processes read."""


class Observability:
    """Metrics, traces and the access log of one API process."""

    def __init__(self, settings: Settings) -> None:
        self._exposition = _exposition() if settings.metrics == "on" else None
        self._traces = _traces() if settings.otel_exporter_otlp_endpoint is not None else None
        self._access_log = access_log() if settings.access_log == "on" else None
        self._timed: TimedLog[Any] | None = None

    def answered(self, record: RequestRecord) -> None:
        """Called by the edge for every request."""
        if self._exposition is not None:
            self._exposition.metrics.answered(record)
        if self._access_log is not None:
            self._access_log.answered(record)

    def log(self, log: Log[K]) -> Log[K]:
        """The log for the processor."""
        if self._exposition is None and self._traces is None:
            return log
        self._timed = TimedLog(log)
        return self._timed

    def batch_ran(self, run: BatchRun) -> None:
        """Called by the writer after every batch."""
        if self._timed is None:
            return
        steps = self._timed.drain()
        if self._exposition is not None:
            self._exposition.metrics.batch_ran(run, steps)
        if self._traces is not None:
            self._traces.batch_ran(run, steps)

    def around(self, app: ASGIApp) -> ASGIApp:
        """The application within the edge."""
        return app if self._traces is None else self._traces.around(app)

    def routes(self, probe: HealthProbe, writer: Writer, limiter: Limiter) -> list[HTTPRouteHandler]:
        exposition = self._exposition
        if exposition is None:
            return []

        async def text() -> bytes:
            snapshot = await probe.snapshot(max_age=1.0)
            exposition.metrics.sample(writer, limiter)
            return await asyncio.to_thread(exposition.text, snapshot)

        return metrics.routes(text)

    async def keep(self, writer: Writer, limiter: Limiter) -> None:
        """Until cancelled."""
        while self._exposition is not None:
            self._exposition.metrics.sample(writer, limiter)
            await asyncio.sleep(PAUSE)

    def stop(self) -> None:
        if self._traces is not None:
            self._traces.stop()


def _exposition() -> "Exposition":
    from adapters.telemetry.exposition import Exposition

    return Exposition()


def _traces() -> "Traces | None":
    try:
        from adapters.telemetry.traces import Traces
    except ModuleNotFoundError as error:
        wanted = VARIABLES["otel_exporter_otlp_endpoint"]
        logger.warning(f"{wanted} is set, but the extra `telemetry` is not installed: no traces", missing=error.name)
        return None
    return Traces()
