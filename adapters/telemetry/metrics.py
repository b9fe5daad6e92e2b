"""Metrics that are counted as events happen. Labels have few values: never a name, an id or a raw path."""

from collections.abc import Iterable, Sequence
from typing import TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

from adapters.http.edge.edge import RequestRecord
from adapters.http.edge.error_responses import ERROR_KINDS
from adapters.limits.limiter import Limiter
from adapters.telemetry.steps import STEPS, Step
from application.unavailable import KINDS
from application.writer import BatchRun, Writer

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000)
"""Upper bounds of the buckets of histograms."""

FORMER = "Deprecated: the former name of the metric with batch for group; gone in the next version."
"""Help text of a metric that is still available under its former name, for one version."""

Family = TypeVar("Family", Counter, Histogram)


class MetricsByLabel(dict[tuple[str, ...], Family]):
    """The metrics of a family by their labels, since the library takes longer to find one than to count with it."""

    def __init__(self, family: Family) -> None:
        self._family: Family = family

    def begin(self, values: Iterable[str]) -> None:
        """Count from 0 for each value of the one label."""
        for value in values:
            self[(value,)]  # creates the metric

    def __missing__(self, labels: tuple[str, ...]) -> Family:
        child: Family = self._family.labels(*labels)
        self[labels] = child
        return child


class Metrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]

        def seconds(name: str, help: str, *labels: str) -> Histogram:
            return Histogram(f"growthrings_{name}_seconds", help, labels, registry=registry, buckets=SECONDS)

        def sizes(name: str, help: str) -> Histogram:
            return Histogram(f"growthrings_{name}", help, registry=registry, buckets=SIZES)

        def counter(name: str, help: str, *labels: str) -> Counter:
            return Counter(f"growthrings_{name}", help, labels, registry=registry)

        def gauge(name: str, help: str, of_all: str) -> Gauge:
            return Gauge(f"growthrings_{name}", help, registry=registry, multiprocess_mode=of_all)  # type: ignore[arg-type]

        self._requests = MetricsByLabel(
            seconds("request", "From the head of a request to its answer.", "method", "route", "status")
        )
        self._refusals = MetricsByLabel(
            counter("refusals", "Requests, and items of arrays, that were refused.", "kind")
        )
        self._unavailable = MetricsByLabel(counter("unavailable", "Answers 503, by what was lacking.", "kind"))
        self._queue_seconds = seconds("queue", "Time that a command waited for the batch that answered it.")
        self._batch_commands = [sizes("batch_commands", "Commands in a batch."), sizes("group_commands", FORMER)]
        self._batch_items = [
            sizes("batch_items", "Items in a batch."),
            sizes("group_items", FORMER),
        ]
        self._steps = [
            MetricsByLabel(seconds("batch", "Time that a batch took for a step, over all attempts.", "step")),
            MetricsByLabel(seconds("group", FORMER, "step")),
        ]
        self._queue_items = gauge("queue_items", "Items that wait for a batch or are in one.", "livesum")
        self._queue_limit = gauge("queue_limit_items", "Items that may wait; beyond, the answer is 503.", "livesum")
        self._limits_shared = gauge(
            "limits_shared", "1 where limits are counted in Redis, 0 where by this process alone.", "livemin"
        )
        self._missed = counter("limits_missed", "Requests counted by this process alone, since Redis was away.")
        self._limited = counter("limits_refused", "Requests that were over a limit.")
        self._missed_before = self._limited_before = 0
        # Start these at 0; otherwise an alert on an increase would miss the first one.
        self._unavailable.begin(KINDS)
        self._refusals.begin(ERROR_KINDS)
        for each in self._steps:
            each.begin(STEPS)

    def answered(self, record: RequestRecord) -> None:
        """Count a request and its refusals."""
        self._requests[record.method, record.route, str(record.status)].observe(record.seconds)
        for kind, count in record.errors.kinds.items():
            self._refusals[(kind,)].inc(count)
        if record.errors.unavailable is not None:
            self._unavailable[(record.errors.unavailable,)].inc()

    def batch_ran(self, run: BatchRun, steps: Sequence[Step]) -> None:
        """Count a batch. Called by the writer's thread."""
        for command in run.commands:
            self._queue_seconds.observe(run.began - command.submitted)
        if run.commands:
            items = sum(command.items for command in run.commands)
            for commands_of_batch, items_of_batch in zip(self._batch_commands, self._batch_items, strict=True):
                commands_of_batch.observe(len(run.commands))
                items_of_batch.observe(items)
        took: dict[str, float] = {}
        for step in steps:
            took[step.name] = took.get(step.name, 0.0) + step.ended - step.began
        for name, seconds in took.items():
            for each in self._steps:
                each[(name,)].observe(seconds)

    def sample(self, writer: Writer, limiter: Limiter) -> None:
        """Update the metrics that are read from the writer and the limiter. Call this periodically, and before the
        metrics are read."""
        self._queue_items.set(writer.queued)
        self._queue_limit.set(writer.queue_size)
        self._limits_shared.set(limiter.shared is True)
        self._missed.inc(limiter.missed - self._missed_before)
        self._limited.inc(limiter.refused - self._limited_before)
        self._missed_before, self._limited_before = limiter.missed, limiter.refused
