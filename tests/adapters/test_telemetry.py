"""Telemetry counts correctly, reports which part fails, and never blocks the service."""

import asyncio
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest
from litestar.types import Scope
from msgspec.structs import replace
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from adapters.http.api.readiness import STUCK, TRIED, Health
from adapters.http.edge import error_responses
from adapters.http.edge.command_results import LoggedFault
from adapters.http.edge.draining import Draining
from adapters.http.edge.edge import RequestRecord
from adapters.http.edge.error_responses import ERROR_KINDS, RequestInfo
from adapters.limits.limiter import Limiter, TooManyRequests
from adapters.postgres import health_probe
from adapters.postgres.health_probe import HealthProbe, HealthSnapshot
from adapters.postgres.schema_version import Schema
from adapters.settings import Settings
from adapters.telemetry.exposition import Exposition
from adapters.telemetry.metrics import Metrics
from adapters.telemetry.observability import Observability
from adapters.telemetry.steps import STEPS, TimedLog
from application.command import Command
from application.processor import CommandResults, Processor
from application.queries.views import ViewStatus
from application.unavailable import KINDS, Unavailable
from application.writer import BatchRun, Writer
from domain.refusal import AlreadyRegistered, NotAuthenticated
from tests.application.world import World
from tests.example_commands import reading, record_measurements
from tests.examples import new_id
from tests.fakes import FakeLog
from tests.service import ROOT


class Accepting:
    """Implements `application.writer.Runs`."""

    def run(self, waiting: Sequence[Command], *, oldest_waits: bool) -> CommandResults:
        return {place: [command.request_id] for place, command in enumerate(waiting)}


class Counted:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.metrics = Metrics(self.registry)

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"growthrings_{name}", labels)


async def test_the_sizes_of_batches_sum_up_to_what_was_submitted() -> None:
    counted = Counted()
    writer = Writer(Accepting(), batch_size=5, queue_size=100, observe=lambda run: counted.metrics.batch_ran(run, ()))
    writer.start()
    sizes = [1, 3, 2, 9, 1, 1, 0, 4]
    commands = [record_measurements(request_id=new_id(), readings=[reading()] * size) for size in sizes]
    await asyncio.gather(*map(writer.submit, commands))
    await asyncio.to_thread(writer.stop)
    assert len(sizes) == counted.value("batch_commands_sum") == counted.value("queue_seconds_count")
    assert sum(sizes) + 1 == counted.value("batch_items_sum")  # one without items takes the room of one
    former = [counted.value(f"group_{name}_sum") for name in ("commands", "items")]
    assert [len(sizes), sum(sizes) + 1] == former, "kept under their former names for one version"


async def test_an_observer_of_batches_that_fails_does_not_keep_answers_back() -> None:
    def fail(_: BatchRun) -> None:
        raise RuntimeError

    writer = Writer(Accepting(), batch_size=5, queue_size=100, observe=fail)
    writer.start()
    commands = [record_measurements(request_id=new_id()) for _ in range(3)]
    answers = [await asyncio.wait_for(writer.submit(command), 10) for command in commands]
    assert [[command.request_id] for command in commands] == answers
    await asyncio.to_thread(writer.stop)


def test_requests_are_counted_with_what_was_refused_of_them_and_what_was_lacking() -> None:
    counted = Counted()
    held = AlreadyRegistered("Weight")
    for status, raised in [
        (201, ()),
        (201, ()),
        (409, (held,)),
        (401, (NotAuthenticated("missing"),)),
        (429, (TooManyRequests(1, 1),)),
        (500, (LoggedFault(),)),
        (503, (Unavailable("full", kind="queue"),)),
        (503, (Unavailable("away"),)),
    ]:
        scope = cast(Scope, {"state": {}})
        for error in raised:
            error_responses.handle(error, RequestInfo("POST", "/here", "x"), scope)
        refused = scope["state"].get("errors", error_responses.NO_ERRORS)
        counted.metrics.answered(RequestRecord("POST", "/here", status, 0.003, refused, "x", None))
    of_array = cast(Scope, {"state": {}})
    error_responses.count_item_errors(["an id", held, held], of_array)
    counted.metrics.answered(RequestRecord("POST", "/here", 207, 0.003, of_array["state"]["errors"], "x", None))
    statuses = {
        status: counted.value("request_seconds_count", method="POST", route="/here", status=str(status))
        for status in (201, 207, 409, 503)
    }
    assert {201: 2, 207: 1, 409: 1, 503: 2} == statuses
    kinds = ("AlreadyRegistered", "NotAuthenticated", "TooManyRequests", "Fault", "Unavailable")
    assert [3, 1, 1, 1, None] == [counted.value("refusals_total", kind=kind) for kind in kinds]
    assert [1, 1] == [counted.value("unavailable_total", kind=kind) for kind in ("queue", "database")]


def test_every_kind_that_is_known_is_0_before_it_is_counted() -> None:
    """A first failure is a step from 0 to 1; a series that begins with 1 is none to whoever watches rates."""
    counted = Counted()
    assert {0.0} == {counted.value("unavailable_total", kind=kind) for kind in KINDS}
    assert {0.0} == {counted.value("refusals_total", kind=kind) for kind in ERROR_KINDS}
    assert {0.0} == {counted.value("batch_seconds_count", step=step) for step in STEPS}


def test_every_kind_of_unavailable_that_the_code_raises_is_known() -> None:
    raised = {
        kind
        for package in ("adapters", "application")
        for file in (ROOT / package).rglob("*.py")
        for kind in re.findall(r'Unavailable\(.*kind="(\w+)"', file.read_text())
    }
    assert {"queue", "view", "ending"} <= raised <= set(KINDS)


def test_metrics_hold_the_size_of_the_log_and_the_limit_of_the_queue() -> None:
    exposition = Exposition()
    writer = Writer(Accepting(), batch_size=5, queue_size=100)
    exposition.metrics.sample(writer, cast(Limiter, SimpleNamespace(shared=None, missed=0, refused=0)))
    snapshot = HealthSnapshot(0.0, is_reachable=True, is_schema_current=True, log_events=7, log_bytes=8_192)
    text = exposition.text(snapshot).decode()
    for line in ("growthrings_queue_limit_items 100.0", "growthrings_log_events 7.0", "growthrings_log_bytes 8192.0"):
        assert line in text
    assert "log_events" not in exposition.text(HealthSnapshot(0.0)).decode()


def test_queue_and_limiter_metrics_show_the_last_sample() -> None:
    counted = Counted()
    for queued, shared, missed, refused in [(7, True, 0, 2), (3, False, 5, 2), (0, None, 9, 4)]:
        writer, limiter = (
            SimpleNamespace(queued=queued, queue_size=20),
            SimpleNamespace(shared=shared, missed=missed, refused=refused),
        )
        counted.metrics.sample(cast(Writer, writer), cast(Limiter, limiter))
        told = ("queue_items", "limits_shared", "limits_missed_total", "limits_refused_total")
        assert [queued, shared is True, missed, refused] == [counted.value(name) for name in told]


@pytest.mark.parametrize(
    ("lost", "expected"),
    [
        ((), ["begin", "load", "load", "decide", "append", "commit"]),
        (("load",), ["begin", "load", "begin", "load", "load", "decide", "append", "commit"]),
        (("commit",), ["begin", "load", "load", "decide", "append", "commit", "settle"]),
    ],
)
def test_a_timed_log_lists_the_steps_of_a_batch_in_order(lost: tuple[str, ...], expected: list[str]) -> None:
    log = FakeLog()
    world, timed = World(log), TimedLog(log)
    log.lost.update(lost)
    log.stores_when_lost = True
    answers = Processor(timed).run([world.record(reading())], oldest_waits=True)
    assert isinstance(answers[0], list)
    steps = timed.drain()
    assert expected == [step.name for step in steps]
    assert all(step.began <= step.ended for step in steps)
    assert steps == sorted(steps, key=lambda step: step.began)
    assert [] == timed.drain()


def writing(**changes: Any) -> SimpleNamespace:
    return SimpleNamespace(
        **{
            "is_alive": True,
            "busy_for": None,
            "idle_for": 1.0,
            "queued": 0,
            "queue_size": 20_000,
            "last_batch_failed": False,
            "given_up_for": 0.0,
        }
        | changes
    )


LIVE = ViewStatus(
    view="measurements", generation=1, version=1, latest_version=1, state="live", place=7, head=7, lag_events=0,
    lag_seconds=0.0, rows={}, rate=0.0, parked_streams=0, workers=["projector"],
)  # fmt: skip
SEEN = HealthSnapshot(
    0.0,
    is_reachable=True,
    is_schema_current=True,
    schema="at 0001, as this version needs",
    views=[LIVE, replace(LIVE, state="kept", lag_seconds=99.0)],
)
WELL: dict[str, Any] = {
    "snapshot": SEEN,
    "writer": writing(),
    "limiter": SimpleNamespace(shared=None),
    "draining": Draining(),
}


def with_live(**changes: Any) -> HealthSnapshot:
    return replace(SEEN, views=[replace(LIVE, **changes)])


def ending() -> Draining:
    draining = Draining()
    draining.begin()
    return draining


@pytest.mark.parametrize(
    ("broken", "expected", "is_ready"),
    [
        ({}, [], True),
        ({"snapshot": HealthSnapshot(0.0)}, ["database", "schema"], False),
        ({"snapshot": HealthSnapshot(0.0, is_reachable=True)}, ["schema"], False),
        ({"snapshot": with_live(lag_seconds=5.1)}, ["measurements"], False),
        ({"snapshot": with_live(lag_seconds=4.9, lag_events=1000)}, [], True),
        ({"snapshot": with_live(parked_streams=1)}, ["parked"], True),
        ({"snapshot": with_live(workers=[])}, ["projector"], True),
        ({"writer": writing(is_alive=False)}, ["writer"], False),
        ({"writer": writing(busy_for=STUCK + 1, idle_for=None, queued=3)}, ["writer"], False),
        ({"writer": writing(busy_for=STUCK - 1, idle_for=None, queued=3)}, [], True),
        ({"writer": writing(last_batch_failed=True, idle_for=TRIED - 1)}, ["writer"], False),
        ({"writer": writing(last_batch_failed=True, idle_for=TRIED + 1)}, [], True),
        ({"limiter": SimpleNamespace(shared=True)}, [], True),
        ({"limiter": SimpleNamespace(shared=False)}, ["limits"], True),
        ({"draining": ending()}, ["draining"], False),
    ],
)
def test_health_tells_which_part_is_wrong(broken: dict[str, Any], expected: list[str], is_ready: bool) -> None:
    parts = WELL | broken
    snapshot = parts.pop("snapshot")
    ready, content = Health(**parts, probe=cast(Any, None), allowed_lag=5.0).readiness(snapshot)
    told = content["checks"] | content["views"]
    assert (expected, is_ready) == ([name for name, check in told.items() if not check.ok], ready)
    assert all(check.what for check in told.values())


def test_health_says_figures() -> None:
    parts = WELL | {
        "writer": writing(queued=12),
        "snapshot": replace(with_live(lag_seconds=0.2, lag_events=3), seconds=0.003),
    }
    snapshot = parts.pop("snapshot")
    _, content = Health(probe=cast(Any, None), allowed_lag=5.0, **parts).readiness(snapshot)
    said = {name: check.what for name, check in (content["checks"] | content["views"]).items()}
    assert "0.2 s behind, 3 events; allowed: 5 s" == said["measurements"]
    assert "last batch 1.0 s ago, queue 12 of 20,000" == said["writer"]
    assert "answered in 3 ms" == said["database"]
    assert "at 0001, as this version needs" == said["schema"]
    assert "0 requests in flight" == said["draining"]


@pytest.mark.parametrize(
    ("changes", "is_live"),
    [
        ({}, True),
        ({"busy_for": STUCK + 1}, True),  # the database may be slow, and then no other process can help either
        ({"given_up_for": STUCK - 1}, True),
        ({"given_up_for": STUCK + 1}, False),
        ({"is_alive": False}, False),
    ],
)
def test_a_process_is_live_unless_only_another_one_can_help(changes: dict[str, Any], is_live: bool) -> None:
    parts = WELL | {"writer": writing(**changes)}
    del parts["snapshot"]
    assert is_live == Health(**parts, probe=cast(Any, None), allowed_lag=5.0).is_live


class Database:
    """Implements what a lookout asks: it says nothing until it is told to."""

    def __init__(self) -> None:
        self.asked = 0
        self.answering = asyncio.Event()

    async def schema(self) -> Schema:
        self.asked += 1
        await self.answering.wait()
        return Schema(is_current=True, is_newer=False, what="at 0001")

    async def standing(self) -> list[ViewStatus]:
        return [LIVE]

    async def log_size(self) -> tuple[int, int]:
        return 7, 8_192


async def test_concurrent_health_probes_of_a_hanging_database_share_a_single_query(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(health_probe, "PROBE_TIMEOUT", 0.1)
    database = Database()
    watch = HealthProbe(cast(Any, database))
    looks = await asyncio.wait_for(asyncio.gather(watch.snapshot(), watch.snapshot()), 10)
    assert [False, False] == [snapshot.is_reachable for snapshot in looks]
    assert 1 == database.asked
    database.answering.set()
    assert (await watch.snapshot()).live == [LIVE]
    before = database.asked
    assert (await watch.snapshot(max_age=60)).is_reachable
    assert before == database.asked
    assert (await watch.snapshot()).at > time.monotonic() - 60
    assert before + 1 == database.asked


def test_a_database_that_is_away_is_what_metrics_say_and_nothing_of_views() -> None:
    text = Exposition().text(HealthSnapshot(0.0)).decode()
    assert "growthrings_database_up 0.0" in text
    assert "view=" not in text
    assert "process_resident_memory_bytes" in text


async def test_the_service_starts_with_a_warning_if_the_tracing_packages_are_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "adapters.telemetry.traces", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with capture_logs() as logged:
        observability = Observability(Settings(otel_exporter_otlp_endpoint="http://127.0.0.1:9", metrics="off"))
    (told,) = logged
    assert "OTEL_EXPORTER_OTLP_ENDPOINT is set, but the extra `telemetry` is not installed" in told["event"]
    assert FakeLog is type(observability.log(FakeLog()))


def test_libraries_of_disabled_telemetry_are_not_imported() -> None:
    snapshot = """
import sys, adapters.processes.wiring
from adapters.settings import Settings
from adapters.telemetry.observability import Observability
Observability(Settings(metrics="off"))
assert {"prometheus_client", "opentelemetry"}.isdisjoint(sys.modules)
Observability(Settings())
assert "prometheus_client" in sys.modules and "opentelemetry" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", snapshot], cwd=ROOT, check=True, timeout=60)
