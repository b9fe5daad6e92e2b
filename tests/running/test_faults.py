"""What the service cannot do now it says at once, with a time to try again; nothing half is stored, and it comes back
by itself."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import httpx
import psycopg
import pytest

from adapters.postgres import embedded
from tests.acceptance.client import WEIGHT
from tests.running.processes import WITH_PASSWORD, Run, child, serving, soon
from tests.running.programme import Programme, client, enrol, readings

WAIT = 0.3
"""Seconds that an answer waits for its view, here."""

COMES_BACK = 2.5
"""Seconds after which a service whose database is back answers as before."""

WEAK = {
    **WITH_PASSWORD,
    "GROWTHRINGS_READ_WAIT": str(WAIT),
    "GROWTHRINGS_ALLOWED_LAG": "0.2",
    "GROWTHRINGS_QUEUE_SIZE": "1",
}

NOT_NOW = {"code": 503, "message": "The service cannot answer now!", "description": "Try again in 1 s."}


@dataclass
class Weak:
    """A service that gives up early, and its database, which a test may stop."""

    run: Run
    server: embedded.Server
    programme: Programme

    def status(self, path: str) -> int:
        return httpx.get(f"{self.run.url}{path}", timeout=10).status_code

    def stop_database(self) -> None:
        self.server.stop()

    def restart_database(self) -> None:
        self.server = embedded.start(self.server.data, settings={"fsync": "off"})


@pytest.fixture(scope="module")
def weak(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Weak]:
    folder = tmp_path_factory.mktemp("weak")
    with ExitStack() as ending:
        server = embedded.start(folder / "server", settings={"fsync": "off"})
        ending.callback(server.stop)  # a second call does nothing
        run = ending.enter_context(serving(folder / "data", {**WEAK, "DATABASE_URL": server.url}))
        weak = Weak(run, server, enrol(ending.enter_context(client(run.url))))
        ending.callback(weak.stop_database)
        yield weak


def is_unavailable(answer: httpx.Response) -> bool:
    assert (503, NOT_NOW) == (answer.status_code, answer.json())
    assert "1" == answer.headers["Retry-After"]
    return True


@contextmanager
def heads_held(url: str) -> Iterator[None]:
    """Another session has locked every partition."""
    with psycopg.connect(url) as other:
        other.execute("select from heads for update")
        yield


def waits_for_heads(url: str) -> bool:
    with psycopg.connect(url) as connection:
        waiting = "select from pg_stat_activity where application_name = 'writer' and wait_event_type = 'Lock'"
        return connection.execute(waiting).rowcount > 0


@contextmanager
def frozen_projector(run: Run) -> Iterator[None]:
    pid = child(run.data, "project")
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_a_full_queue_refuses_commands_at_once_and_stores_nothing_of_them(weak: Weak) -> None:
    child_id = weak.programme.child()
    path = WEIGHT.path(child_id)
    first: list[httpx.Response] = []
    with client(weak.run.url, weak.programme.token) as api:
        waiting = threading.Thread(target=lambda: first.append(api.post(path, readings(1)[0])))
        # Who waits for a partition is sent away after 2 s: until then, three requests are no time.
        with heads_held(weak.server.url):
            waiting.start()
            assert soon(lambda: waits_for_heads(weak.server.url))
            started = time.monotonic()
            assert all(is_unavailable(api.post(path, body)) for body in (readings(1)[0], readings(100)))
            assert first == []
            assert time.monotonic() - started < 1
        waiting.join()
        assert 201 == first[0].status_code
        assert [first[0].json()["id"]] == [item["id"] for item in WEIGHT.listed(api, child_id)]


def test_commands_on_partitions_that_stay_locked_are_unavailable_and_store_nothing(weak: Weak) -> None:
    child_id = weak.programme.child()
    with client(weak.run.url, weak.programme.token) as api:
        with heads_held(weak.server.url):
            assert is_unavailable(api.post(WEIGHT.path(child_id), readings(1)[0]))
            assert [] == WEIGHT.listed(api, child_id)
        assert [] == WEIGHT.listed(api, child_id)
        WEIGHT.record(api, child_id)


def test_reads_of_a_view_that_stays_behind_are_unavailable_until_it_has_caught_up(weak: Weak) -> None:
    child_id = weak.programme.child()
    with client(weak.run.url, weak.programme.token) as api:
        with frozen_projector(weak.run):
            recorded = WEIGHT.record(api, child_id)
            for path in (WEIGHT.path(child_id), WEIGHT.path(child_id, recorded["id"])):
                started = time.monotonic()
                assert is_unavailable(api.get(path))
                assert time.monotonic() - started >= WAIT
            assert soon(lambda: weak.status("/health/ready") == 503)
            assert 200 == weak.status("/health/live")
            assert 204 == api.delete(WEIGHT.path(child_id, recorded["id"])).status_code
        assert soon(lambda: weak.status("/health/ready") == 200)
        assert [] == WEIGHT.listed(api, child_id)


def test_a_view_that_is_behind_in_another_partition_keeps_nobody_waiting(weak: Weak) -> None:
    children = [weak.programme.child() for _ in range(8)]
    with client(weak.run.url, weak.programme.token) as api, frozen_projector(weak.run):
        WEIGHT.record(api, children[0])
        answers = [api.get(WEIGHT.path(child_id)).status_code for child_id in children]
        assert 503 == answers[0]
        assert 200 in answers[1:]


def test_a_database_restart_between_requests_fails_no_request(weak: Weak) -> None:
    child_id = weak.programme.child()
    path = WEIGHT.path(child_id)
    with client(weak.run.url, weak.programme.token) as api:
        recorded = WEIGHT.record(api, child_id)
        assert [recorded] == WEIGHT.listed(api, child_id)
        weak.stop_database()
        weak.restart_database()
        assert [201] * 3 == [api.post(path, readings(1)[0]).status_code for _ in range(3)]
        assert soon(lambda: owned(weak.server.url))  # a projector is back, too
        assert [200] * 3 == [api.get(path).status_code for _ in range(3)]


def owned(url: str) -> bool:
    with psycopg.connect(url) as connection:
        return (
            connection.execute(
                "select from leases l join pg_stat_activity a on a.application_name = l.owner limit 1"
            ).rowcount
            > 0
        )


def test_every_endpoint_is_unavailable_during_a_database_outage_and_recovers_after_it(weak: Weak) -> None:
    child_id = weak.programme.child()
    path = WEIGHT.path(child_id)
    login = {"username": "admin", "password": WITH_PASSWORD["GROWTHRINGS_ADMIN_PASSWORD"]}
    with client(weak.run.url, weak.programme.token) as api:
        before = WEIGHT.record(api, child_id)
        weak.stop_database()
        stopped = time.monotonic()
        while time.monotonic() - stopped < 8:
            assert is_unavailable(api.post(path, readings(1)[0]))
            assert is_unavailable(api.delete(WEIGHT.path(child_id, before["id"])))
            assert is_unavailable(api.get(path))
            assert is_unavailable(api.post("/v1/auth", login))
            assert (200, 503) == (weak.status("/health/live"), weak.status("/health/ready"))
        weak.restart_database()
        assert soon(lambda: api.post(path, readings(1)[0]).status_code == 201, COMES_BACK)
        assert soon(lambda: api.get(path).status_code == 200, COMES_BACK)
        assert soon(lambda: weak.status("/health/ready") == 200, COMES_BACK)
        assert before in WEIGHT.listed(api, child_id)
        assert api.post("/v1/auth", login).status_code == 200
