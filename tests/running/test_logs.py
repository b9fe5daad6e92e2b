"""Logs are JSON lines from which an error can be found, and in which nothing is that is nobody's business."""

import json
import os
import re
import signal
import socket
from base64 import b64decode
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from adapters.postgres import embedded
from adapters.version import VERSION
from tests.acceptance.client import BODY_FAT, WEIGHT, Api
from tests.acceptance.people import CHILD
from tests.running.processes import Run, serving, soon
from tests.running.programme import Programme, client, enrol, instant

PASSWORD = "acorn in its cup"
WRONG = "beechnut in its husk"
VALUES = ("77.128906", "33.978515", "19.562988")
UNIT = "hundredweight-of-chestnuts"
TIMESTAMP = "walnut-o'clock"
TOKEN = "hazel.nut.shell"
NOBODY = "squirrel of the oak"


@dataclass(frozen=True)
class Scenario:
    """What a service wrote while all sorts of things were done to it."""

    log: str
    database_log: str
    secrets: tuple[str, ...]
    failed: tuple[str, ...]
    """The request ids of the answers 500."""
    admin_id: str

    @property
    def lines(self) -> list[str]:
        return self.log.splitlines()

    def said(self, event: str) -> list[dict[str, Any]]:
        """The lines of an event."""
        found = [json.loads(line) for line in self.lines if line.startswith("{")]
        return [line for line in found if line["event"] == event]


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    data = tmp_path_factory.mktemp("logs") / "data"
    settings = {"GROWTHRINGS_LOG_LEVEL": "debug", "GROWTHRINGS_ADMIN_PASSWORD": PASSWORD}
    with serving(data, settings) as run, client(run.url) as api:
        programme = enrol(api, PASSWORD)
        ordinary(api, programme)
        refused(api, programme)
        failed = broken(run, programme)
        token = programme.token
        admin_id = subject(programme.people.admin.token)
    hashes = [value.encode().hex() for value in VALUES]
    return Scenario(
        run.err.read_text() + run.told,
        (data / "postgres.log").read_text(),
        (PASSWORD, WRONG, *VALUES, UNIT, TIMESTAMP, TOKEN, NOBODY, token, token.rpartition(".")[2], *hashes, "$argon2"),
        tuple(failed),
        admin_id,
    )


def reading(value: str = VALUES[0]) -> dict[str, Any]:
    return {"timestamp": instant(), "value": float(value), "unit": UNIT, "body_fat": float(VALUES[1])}


def ordinary(api: Api, programme: Programme) -> None:
    application, child_id = programme.application, programme.child()
    for kind in (WEIGHT, BODY_FAT):
        recorded = application.post(kind.path(child_id), reading()).json()
        application.post(kind.path(child_id), [reading(value) for value in VALUES])
        application.get(kind.path(child_id))
        application.get(f"{kind.path(child_id)}?value={VALUES[0]}&unit={UNIT}")
        application.delete(kind.path(child_id, recorded["id"]))


def refused(api: Api, programme: Programme) -> None:
    application, child_id = programme.application, programme.child()
    path = WEIGHT.path(child_id)
    twice = reading()
    bad = [twice, twice, {**twice, "timestamp": TIMESTAMP}, {**twice, "value": f"-{VALUES[0]}"}, {**twice, "unit": 1}]
    application.post(path, bad)
    for item in bad:
        application.post(path, item)
    application.post_raw(path, f'{{"value": {VALUES[0]}, "unit": "{UNIT}"')
    application.request("POST", path, f"value={VALUES[0]}".encode(), content_type="text/plain")
    application.get(f"{path}?value={VALUES[0]}x&unit={UNIT}")
    application.get(f"{path}?{UNIT}={VALUES[0]}")
    application.request("PUT", path)
    api.with_token(TOKEN).get(path)
    api.with_token(programme.token[:-4]).post(path, reading())
    api.post("/v1/auth", {"username": "admin", "password": WRONG})
    api.post("/v1/auth", {"username": NOBODY, "password": WRONG})
    child = programme.people.request(CHILD, password=WRONG)
    programme.people.admin.post("/v1/children", child)
    programme.people.admin.post("/v1/children", child)
    address = application.http.base_url
    for garbage in (b"no HTTP at all\r\n\r\n", f"POST {path} HTTP/1.1\r\nContent-Length: 99\r\n\r\n{UNIT}".encode()):
        with closing(socket.create_connection((address.host, address.port or 80))) as connection:
            connection.sendall(garbage)


def broken(run: Run, programme: Programme) -> list[str]:
    """Break the schema under the service, and its connections; the request ids of what it answers 500."""
    child_id = programme.child()
    with psycopg.connect(embedded.url(run.data) or "", autocommit=True) as database:
        with broken_by(database, "events", "check (topic not like 'measurement%') not valid"):
            failed = [failing(programme.application.post(WEIGHT.path(child_id), reading()))]
        with broken_by(database, "users", "check (role <> 'child') not valid"):
            child = programme.people.request(CHILD, password=PASSWORD)
            failed.append(failing(programme.people.admin.post("/v1/children", child)))
        with renamed(database, "dedupe_index"):
            failed.append(failing(programme.application.post(WEIGHT.path(child_id), reading())))
        with renamed(database, "ties"):
            failed.append(failing(programme.application.get(WEIGHT.path(child_id))))
        with renamed(database, "measurements_g1"):
            assert 201 == programme.application.post(WEIGHT.path(child_id), reading()).status_code
            assert 503 == programme.application.get(WEIGHT.path(child_id)).status_code
        database.execute("select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()")
        assert soon(lambda: programme.application.get(WEIGHT.path(child_id)).status_code == 200, 15)
    return failed


def failing(answer: httpx.Response) -> str:
    assert 500 == answer.status_code, answer.text
    return str(answer.json()["description"]).removeprefix("Request id: ")


@contextmanager
def broken_by(database: psycopg.Connection[Any], table: str, constraint: str) -> Iterator[None]:
    database.execute(f"alter table {table} add constraint broken {constraint}".encode())
    try:
        yield
    finally:
        database.execute(f"alter table {table} drop constraint broken".encode())


@contextmanager
def renamed(database: psycopg.Connection[Any], table: str) -> Iterator[None]:
    database.execute(f"alter table {table} rename to elsewhere".encode())
    try:
        yield
    finally:
        database.execute(f"alter table elsewhere rename to {table}".encode())


def subject(token: str | None) -> str:
    """Whose token it is."""
    claims = (token or "").split(".")[1]
    return str(json.loads(b64decode(claims + "==", altchars=b"-_"))["sub"])


def test_no_value_password_or_token_is_in_the_log_of_the_service(scenario: Scenario) -> None:
    assert [] == [line for line in scenario.lines if any(secret in line for secret in scenario.secrets)]


def test_no_value_password_or_token_is_in_the_log_of_postgresql(scenario: Scenario) -> None:
    lines = scenario.database_log.splitlines()
    assert [] == [line for line in lines if any(secret in line for secret in scenario.secrets)]


def test_every_line_is_json_that_says_what_happened(scenario: Scenario) -> None:
    def tells(line: str) -> bool:
        try:
            said = json.loads(line)
        except ValueError:
            return False
        return isinstance(said, dict) and {"event", "level", "timestamp"} <= said.keys()

    assert [] == [line for line in scenario.lines if not tells(line) and not line.startswith("Ready: ")]


def test_the_trace_of_every_500_is_found_by_the_id_that_was_answered(scenario: Scenario) -> None:
    """By the id itself, or by the cause that the line with the id names: a trace is logged once for each cause."""
    for id in scenario.failed:
        causes = {line["cause"] for line in scenario.said("command failed") if line["request_id"] == id}
        assert any(
            "Traceback" in line and (id in line or any(cause in line for cause in causes)) for line in scenario.lines
        ), id
    assert len(scenario.failed) == 4


LIFE = {
    "supervisor starts": "supervisor",
    "embedded database started": "supervisor",
    "process started": "supervisor",
    "migrations applied": "supervisor",
    "first admin registered": "supervisor",
    "api starts": "api",
    "projector starts": "projector",
    "projector sees these generations live": "projector",
    "service is ready": "supervisor",
    "service stops": "supervisor",
    "api drains": "api",
    "api ended": "api",
    "projector hands over its partitions": "projector",
    "projector ended": "projector",
    "embedded database stopped": "supervisor",
    "supervisor ended": "supervisor",
}
"""Event → the process that logs it."""


@pytest.mark.parametrize(("event", "process"), LIFE.items())
def test_the_life_of_each_process_is_in_the_log_under_its_name(scenario: Scenario, event: str, process: str) -> None:
    assert {process} == {line["process"] for line in scenario.said(event)}


@pytest.mark.parametrize("event", ["supervisor starts", "api starts", "projector starts"])
def test_a_process_that_starts_says_its_version(scenario: Scenario, event: str) -> None:
    assert [VERSION] == [line["version"] for line in scenario.said(event)]


def test_every_request_has_a_line_with_its_route_and_whose_token_it_bore(scenario: Scenario) -> None:
    requests = scenario.said("request")
    posted = [line for line in requests if line["route"] == "/v1/children/{child_id}/weights" and line["status"] == 201]
    assert posted
    assert all(re.fullmatch("[0-9a-f]{24}", line["user_id"]) and line["ms"] > 0 for line in posted)
    statuses = {line["status"] for line in requests}
    assert {200, 201, 207, 400, 401, 405, 409, 415, 500} <= statuses
    assert set(scenario.failed) <= {line["request_id"] for line in requests if line["status"] == 500}
    assert all(line["user_id"] is None for line in requests if line["status"] == 401)


def test_a_failed_login_has_its_address_and_the_user_only_where_there_is_one(scenario: Scenario) -> None:
    failed = scenario.said("login failed")
    assert [scenario.admin_id, None] == [line["user_id"] for line in failed]
    assert {"127.0.0.1"} == {line["address"] for line in failed}


def test_the_debug_level_says_each_batch_and_each_page(scenario: Scenario) -> None:
    assert all(line["commands"] and line["ms"] for line in scenario.said("batch ran"))
    assert {"measurements", "outcomes", "audit_trail"} == {line["view"] for line in scenario.said("page applied")}


def test_a_database_that_is_away_is_a_line_of_each_who_misses_it_and_so_is_its_return(tmp_path: Path) -> None:
    """Not one for each request, look or attempt."""
    with serving(tmp_path / "data") as run, client(run.url, timeout=10) as api:
        programme = enrol(api)
        path = WEIGHT.path(programme.child())
        settings = run.data / "postgres" / "postgresql.conf"
        kept = settings.read_text()
        settings.write_text(kept + "\nno setting = at all\n")
        before = len(run.logged)
        os.kill(int((run.data / "postgres" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
        for _ in range(40):
            programme.application.post(path, reading())
            programme.application.get(path)
        warnings = [line["event"] for line in run.logged[before:] if line["level"] not in ("info", "debug")]
        assert "requests are answered 503" in warnings
        assert len(warnings) <= 25, Counter(warnings)
        settings.write_text(kept)
        back = (
            "commands are stored again",
            "projector has a connection again",
            "the embedded database is running again",
        )
        assert soon(lambda: programme.application.post(path, reading()).status_code == 201, 30)
        assert soon(lambda: set(back) <= {line["event"] for line in run.logged}, 30), run.err.read_text()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_log_that_cannot_be_written_stops_nobody(tmp_path: Path) -> None:
    full = ["bash", "-c", 'exec "$@" 2>/dev/full', "bash"]
    with serving(tmp_path / "data", before=full) as run, client(run.url, timeout=5) as api:
        programme = enrol(api)
        child_id = programme.child()
        with psycopg.connect(embedded.url(run.data) or "", autocommit=True) as database:
            database.execute("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'writer'")
        answers = [programme.application.post(WEIGHT.path(child_id), reading()).status_code for _ in range(3)]
        assert 201 in answers
    assert os.path.getsize(run.err) == 0
