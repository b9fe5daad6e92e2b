"""Traces: sends spans of each request, of its wait for a batch, and of the steps of the batch's transaction to a
collector."""

import logging
import threading
import time
from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from adapters.http.edge.edge import UNKNOWN
from adapters.telemetry.steps import Step
from application.outage import Outage
from application.writer import BatchRun

STOP_TIME = 2.0
"""Seconds for sending the remaining spans when the process ends."""

_request: ContextVar[Span | None] = ContextVar("request", default=None)
_continued = TraceContextTextMapPropagator()


class Traces:
    """The environment variables of OpenTelemetry set the collector's address, the sampling and the service's name."""

    def __init__(self) -> None:
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # it would log every failed attempt
        resource = Resource.create()
        if str(resource.attributes[SERVICE_NAME]).startswith("unknown_service"):
            resource = resource.merge(Resource({SERVICE_NAME: "growthrings"}))
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(_Telling(OTLPSpanExporter())))
        self._tracer = self._provider.get_tracer("growthrings")

    def stop(self) -> None:
        """Send the remaining spans, within STOP_TIME."""
        sending = threading.Thread(target=self._provider.shutdown, daemon=True)
        sending.start()
        sending.join(STOP_TIME)

    def around(self, app: ASGIApp) -> ASGIApp:
        """Wrap the application: each request gets a span, which continues the trace of a `traceparent`."""

        async def traced(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != ScopeType.HTTP:
                await app(scope, receive, send)
                return
            carrier = {
                name.decode(): value.decode("latin-1")
                for name, value in scope["headers"]
                if name in (b"traceparent", b"tracestate")
            }
            method = scope["method"]
            span = self._tracer.start_span(method, _continued.extract(carrier), SpanKind.SERVER)
            span.set_attribute("http.request.method", method)
            span.set_attribute("growthrings.request_id", scope["state"]["request_id"])

            async def answer(message: Message) -> None:
                if message["type"] == "http.response.start":
                    status = message["status"]
                    span.set_attribute("http.response.status_code", status)
                    if status >= 500:
                        span.set_status(Status(StatusCode.ERROR))
                await send(message)

            token = _request.set(span)
            try:
                await app(scope, receive, answer)
            except Exception:
                span.set_status(Status(StatusCode.ERROR))  # the edge sends the error response
                raise
            finally:
                _request.reset(token)
                route = scope.get("path_template", UNKNOWN)
                span.update_name(f"{method} {route}")
                span.set_attribute("http.route", route)
                span.end()

        return traced

    def batch_ran(self, run: BatchRun, steps: Sequence[Step]) -> None:
        """Create a trace of the batch's transaction that links to its requests, and in the trace of each request a span
        that links to the batch. Called by the writer's thread."""
        of_monotonic = time.time_ns() - time.monotonic_ns()

        def at(seconds: float) -> int:
            return of_monotonic + int(seconds * 1e9)

        spans = [(command, command.context.get(_request)) for command in run.commands]
        requests = [(command, span) for command, span in spans if span is not None and span.is_recording()]
        if not requests:
            return
        size: dict[str, Any] = {
            "growthrings.batch.commands": len(run.commands),
            "growthrings.batch.items": sum(command.items for command in run.commands),
        }
        batch = self._tracer.start_span(
            "batch",
            Context(),
            attributes=size,
            links=[Link(span.get_span_context()) for _, span in requests],
            start_time=at(run.began),
        )
        in_batch = set_span_in_context(batch)
        for step in steps:
            self._tracer.start_span(step.name, in_batch, start_time=at(step.began)).end(at(step.ended))
        batch.end(at(run.ended))
        for command, span in requests:
            self._tracer.start_span(
                "wait for batch",
                set_span_in_context(span, Context()),
                attributes=size | {"growthrings.waited_seconds": run.began - command.submitted},
                links=[Link(batch.get_span_context())],
                start_time=at(command.submitted),
            ).end(at(run.ended))


class _Telling(SpanExporter):
    """Logs once that the collector is unavailable, and once that it is available again."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._outage = Outage("the collector of traces is away", "the collector of traces is back")

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._exporter.export(spans)
        if result is SpanExportResult.SUCCESS:
            self._outage.works()
        else:
            self._outage.failed("the collector did not take the spans", spans=len(spans))
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._exporter.force_flush(timeout_millis)
