"""The exposition of metrics: those of this process, or of all processes that share an address; and those of the
database, with the views, which other processes maintain."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from prometheus_client import GC_COLLECTOR, CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from adapters.postgres.health_probe import HealthSnapshot
from adapters.telemetry import metrics_folder
from adapters.telemetry.metrics import Metrics
from adapters.version import VERSION
from application.queries.views import ViewStatus

OF_VIEWS: dict[str, tuple[str, Callable[[ViewStatus], float]]] = {
    "lag_events": ("Events that a view has not seen.", lambda view: view.lag_events),
    "lag_seconds": ("Seconds for which there has been such an event.", lambda view: view.lag_seconds),
    "parked_streams": ("Streams that a view has left out, since an event could not be applied.",
                       lambda view: view.parked_streams),
    "workers": ("Projectors that keep a view.", lambda view: len(view.workers)),
    "events_per_second": ("Events that these have applied lately.", lambda view: view.rate),
}  # fmt: skip


class Exposition:
    """`metrics`: those that this process counts."""

    def __init__(self) -> None:
        own = self._shown = CollectorRegistry()
        self.metrics = Metrics(own)
        self._folder = metrics_folder.shared()
        if self._folder is None:
            of_process: tuple[Collector, ...] = (ProcessCollector(registry=None), GC_COLLECTOR)
        else:
            self._shown = CollectorRegistry()
            together = MultiProcessCollector(None, str(self._folder))  # type: ignore[no-untyped-call]  # the library's
            of_process = (together, _Processes(self._folder))
        for each in of_process:
            self._shown.register(each)

    def text(self, snapshot: HealthSnapshot) -> bytes:
        """The metrics in Prometheus's text format. Takes some 10 ms; any thread may call it."""
        if self._folder is not None:
            for pid in _pids(self._folder):
                if not Path(f"/proc/{pid}").exists():
                    # Its counts are kept. Another worker may be removing its files at the same time.
                    with suppress(FileNotFoundError):
                        mark_process_dead(pid, str(self._folder))  # type: ignore[no-untyped-call]  # likewise
        standing = CollectorRegistry()
        standing.register(_Standing(snapshot))
        return generate_latest(self._shown) + generate_latest(standing)


def _pids(folder: Path) -> set[int]:
    """The ids of the processes that have counted in the folder."""
    return {int(file.stem.rpartition("_")[2]) for file in folder.glob("*.db")}


class _Processes(Collector):
    """The library's process metrics, for each process that counts in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterable[Metric]:
        families: dict[str, Metric] = {}
        for pid in sorted(_pids(self._folder)):
            for family in ProcessCollector(pid=lambda pid=pid: pid, registry=None).collect():  # type: ignore[misc]
                of_all = families.setdefault(family.name, Metric(family.name, family.documentation, family.type))
                for sample in family.samples:
                    of_all.add_sample(sample.name, {"pid": str(pid)}, sample.value)
        return families.values()


class _Standing(Collector):
    """The metrics of the database and of the views; those of the views are left out if the database does not answer."""

    def __init__(self, snapshot: HealthSnapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterable[Metric]:
        yield InfoMetricFamily("growthrings_build", "The version of the process that answers.", {"version": VERSION})
        yield GaugeMetricFamily("growthrings_database_up", "Whether the database answers.", self._snapshot.is_reachable)
        if self._snapshot.is_schema_current:
            events, size = self._snapshot.log_events, self._snapshot.log_bytes
            yield GaugeMetricFamily("growthrings_log_events", "Events of the log.", events)
            yield GaugeMetricFamily("growthrings_log_bytes", "Bytes of the log, with its indexes.", size)
        for name, (help, value) in OF_VIEWS.items():
            family = GaugeMetricFamily(f"growthrings_view_{name}", help, labels=("view",))
            for view in self._snapshot.live:
                family.add_metric((view.view,), value(view))
            yield family
