"""A running service of two workers reports its work and its faults: metrics, health and traces."""

import os
import re
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from adapters.postgres import embedded
from tests.acceptance.client import WEIGHT
from tests.running.collector import Collector, attributes, collecting
from tests.running.processes import WITH_PASSWORD, Run, child, children, serving, soon
from tests.running.programme import Programme, client, enrol, readings

ALLOWED_LAG = 0.2


@dataclass
class Watched:
    run: Run
    server: embedded.Server
    programme: Programme
    collector: Collector

    def text(self) -> str:
        answer = httpx.get(f"{self.run.url}/metrics", timeout=5)
        assert (200, "text/plain; version=0.0.4; charset=utf-8") == (
            answer.status_code,
            answer.headers["Content-Type"],
        )
        return answer.text

    def samples(self) -> list[Sample]:
        return [each for family in text_string_to_metric_families(self.text()) for each in family.samples]

    def value(self, name: str, **labels: str) -> float:
        """The sum of all samples of a metric that have these labels."""
        return total(self.samples(), name, **labels)

    def counting(self) -> set[str]:
        """The processes that are told of."""
        return {sample.labels["pid"] for sample in self.samples() if sample.name == "process_open_fds"}

    def ready(self) -> tuple[int, dict[str, Any]]:
        answer = httpx.get(f"{self.run.url}/health/ready", timeout=5)
        return answer.status_code, answer.json()

    def wrong(self) -> tuple[int, list[str]]:
        """What health says, and the parts that are not as they should be."""
        status, content = self.ready()
        told = content["checks"] | content["views"]
        return status, [name for name, check in told.items() if not check["ok"]]


def total(samples: list[Sample], name: str, **labels: str) -> float:
    return sum(
        each.value for each in samples if each.name == f"growthrings_{name}" and labels.items() <= each.labels.items()
    )


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    folder = tmp_path_factory.mktemp("watched")
    with ExitStack() as ending:
        server = embedded.start(folder / "server", settings={"fsync": "off"})
        ending.callback(server.stop)
        collector = ending.enter_context(collecting())
        settings = {
            **WITH_PASSWORD,
            "DATABASE_URL": server.url,
            "GROWTHRINGS_ALLOWED_LAG": str(ALLOWED_LAG),
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_BSP_SCHEDULE_DELAY": "100",
        }
        run = ending.enter_context(serving(folder / "data", settings, workers=2))
        programme = enrol(ending.enter_context(client(run.url)))
        yield Watched(run, server, programme, collector)


def test_a_known_series_of_requests_is_counted_over_all_workers(watched: Watched) -> None:
    child_id = watched.programme.child()
    route = "/v1/children/{child_id}/weights"

    def counts() -> list[float]:
        samples = watched.samples()
        requests = [("POST", route, 201), ("POST", route, 409), ("POST", route, 207), ("GET", route, 200)]
        return [
            *(
                total(samples, "request_seconds_count", method=method, route=route, status=str(status))
                for method, route, status in [*requests, ("GET", "unknown", 404)]
            ),
            *(total(samples, "refusals_total", kind=kind) for kind in ("AlreadyRegistered", "BadTimestamp")),
            *(total(samples, name) for name in ("batch_commands_sum", "batch_items_sum", "queue_seconds_count")),
        ]

    before = counts()
    sent = readings(6)
    for _ in range(5):  # each through a connection of its own, so that both workers may get some
        with client(watched.run.url, watched.programme.token) as api:
            assert 201 == api.post(WEIGHT.path(child_id), sent.pop()).status_code
            assert 404 == api.get(f"/v1/kims/{child_id}").status_code
    with client(watched.run.url, watched.programme.token) as api:
        first = readings(1)[0]
        assert [201, 409] == [api.post(WEIGHT.path(child_id), first).status_code for _ in range(2)]
        array = [first, *readings(2), {"timestamp": "when", "value": 1, "unit": "kg"}]
        assert 207 == api.post(WEIGHT.path(child_id), array).status_code
        assert 200 == api.get(WEIGHT.path(child_id)).status_code
    expected = [6, 1, 1, 1, 5, 2, 1, 8, 11, 8]
    assert soon(lambda: expected == [now - then for now, then in zip(counts(), before, strict=True)])
    assert soon(lambda: {str(pid) for pid in children(watched.run.data, "api")} == watched.counting())


def test_metrics_and_traces_name_nobody_and_tell_no_value(watched: Watched) -> None:
    with client(watched.run.url, watched.programme.token) as api:
        child_id = watched.programme.child()
        assert 201 == api.post(WEIGHT.path(child_id), readings(1)[0] | {"value": 77.128906}).status_code
        assert 401 == api.post("/v1/auth", {"username": "somebody in the oak", "password": "p"}).status_code
        assert 400 == api.get(f"/v1/children/acorn-{child_id}/weights").status_code
        assert 404 == api.get(f"/acorn/{child_id}?oak=1").status_code
    assert soon(lambda: watched.collector.named("GET unknown"))
    told = watched.text() + str(watched.collector.spans)
    request_ids = {attributes(span).get("growthrings.request_id") for span in watched.collector.spans}
    assert set() == set(re.findall(r"\b[0-9a-f]{24}\b", told)) - request_ids
    assert [] == [word for word in ("acorn", "oak", "77.12", "admin", "Bearer", "eyJ") if word in told]


def test_a_trace_leads_from_a_request_to_its_batch_and_to_the_transaction(watched: Watched) -> None:
    trace, parent = os.urandom(16), os.urandom(8)
    child_id = watched.programme.child()
    answer = httpx.post(
        f"{watched.run.url}{WEIGHT.path(child_id)}",
        json=readings(3),
        headers={
            "Authorization": f"Bearer {watched.programme.token}",
            "traceparent": f"00-{trace.hex()}-{parent.hex()}-01",
        },
    )
    assert 207 == answer.status_code
    spans = watched.collector.spans
    assert soon(lambda: [span for span in spans if span.trace_id == trace and span.parent_span_id == parent])
    ours = [span for span in spans if span.trace_id == trace]
    (request,) = [span for span in ours if span.parent_span_id == parent]
    (waited,) = [span for span in ours if span.parent_span_id == request.span_id]
    assert "POST /v1/children/{child_id}/weights" == request.name
    told = attributes(request)
    assert (207, answer.headers["X-Request-Id"]) == (
        told["http.response.status_code"],
        told["growthrings.request_id"],
    )
    assert 3 <= attributes(waited)["growthrings.batch.items"]
    (link,) = waited.links
    (batch,) = [span for span in spans if span.span_id == link.span_id]
    assert (trace, request.span_id) in [(each.trace_id, each.span_id) for each in batch.links]
    steps = [span.name for span in spans if span.parent_span_id == batch.span_id]
    assert ["begin", "load", "load", "decide", "append", "commit"] == steps


@contextmanager
def stopped(*pids: int) -> Iterator[None]:
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def is_behind(status: int, wrong: list[str], view: str) -> bool:
    return status == 503 and view in wrong and "database" not in wrong


def test_a_projector_that_stands_still_is_seen_as_the_lag_of_its_views(watched: Watched) -> None:
    child_id = watched.programme.child()
    with client(watched.run.url, watched.programme.token) as api:
        with stopped(child(watched.run.data, "project")):
            for reading in readings(3):
                assert 201 == api.post(WEIGHT.path(child_id), reading).status_code
            assert soon(lambda: watched.value("view_lag_seconds", view="measurements") > ALLOWED_LAG)
            # Soon, as are all that ask the database: on a busy machine that may not answer within a look.
            assert soon(lambda: 3 <= watched.value("view_lag_events", view="measurements"))
            assert soon(lambda: is_behind(*watched.wrong(), "measurements"))
        assert soon(lambda: watched.wrong() == (200, []))
    assert soon(lambda: watched.value("view_lag_events") == 0)


def test_parked_streams_are_seen_though_requests_are_answered(watched: Watched) -> None:
    with psycopg.connect(watched.server.url, autocommit=True) as connection:
        connection.execute(
            "insert into parked_events (part, view, generation, seq, stream, topic, error)"
            " values (0, 'audit_trail', 1, 1000000, 'a/b', 'c', 'broken')"
        )
        try:
            assert soon(lambda: watched.value("view_parked_streams", view="audit_trail") == 1)
            assert soon(lambda: watched.wrong() == (200, ["parked"]))
        finally:
            connection.execute("delete from parked_events where stream = 'a/b'")


def test_counts_of_a_killed_worker_remain_in_the_metrics(watched: Watched) -> None:
    before = watched.value("batch_commands_sum")
    pids = set(children(watched.run.data, "api"))
    os.kill(min(pids), signal.SIGKILL)
    assert soon(lambda: len(set(children(watched.run.data, "api")) - pids) == 1)
    assert before == watched.value("batch_commands_sum")
    assert soon(lambda: {str(pid) for pid in children(watched.run.data, "api")} == watched.counting())


def test_the_readiness_check_reports_a_hanging_or_stopped_database(watched: Watched) -> None:
    first = watched.server.process.pid
    with stopped(first), stopped(*with_descendants(first)[1:]):  # from the first on there are no new ones
        assert (503, ["database", "schema"]) == watched.wrong()
    assert soon(lambda: watched.wrong()[0] == 200)
    watched.server.stop()
    assert soon(lambda: watched.value("database_up") == 0)
    assert (503, ["database", "schema"]) == watched.wrong()
    assert watched.server.url not in str(watched.ready())


def with_descendants(pid: int) -> list[int]:
    """A process and those that come from it."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue  # it has ended
    found = [pid]
    for each in found:
        found += [one for one, parent in parents.items() if parent == each]
    return found
