"""Processes that are to run for long wait for a database that is away, and end at once where it refuses them."""

import io
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Event as Flag
from types import SimpleNamespace
from typing import Any, cast

import httpx
import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from structlog.testing import capture_logs

from adapters.postgres import embedded, wait_for_database
from adapters.postgres.wait_for_database import connect_when_available
from adapters.processes import api as api_process
from adapters.processes import supervisor
from adapters.settings import Settings
from tests.acceptance.client import WEIGHT
from tests.running.lossy_proxy import lossy_proxy_to
from tests.running.processes import WITH_PASSWORD, command, environment, launch, run_briefly, soon, sweep, until_ready
from tests.running.programme import client, enrol, readings
from tests.service import free_port

SECRET = "acorn-in-the-address"
FAST = {"fsync": "off", "full_page_writes": "off"}

LASTING = {
    "serve": ["serve", "--port", "{port}"],
    "api": ["api", "--port", "{port}"],
    "project": ["project"],
}


def words(name: str, data: Path) -> list[str]:
    return [*(word.format(port=free_port()) for word in LASTING[name]), "--data", str(data)]


@contextmanager
def started(data: Path, url: str, words: Sequence[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as logged:
        process = subprocess.Popen(
            command(*words), env=environment(**WITH_PASSWORD, DATABASE_URL=url), stdout=logged, stderr=logged
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        sweep(data)


@pytest.fixture
def folder() -> Iterator[Path]:
    """The folder of a server that does not run; its name is short enough for the socket to be in it, always."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "data"
        embedded.start(folder, settings=FAST).stop()
        yield folder
        sweep(folder)


def test_a_service_that_starts_while_the_database_is_away_serves_once_it_is_back(folder: Path, tmp_path: Path) -> None:
    address = make_conninfo(host=str(folder / "run"), user="growthrings", dbname="growthrings")
    run = launch(tmp_path / "data", {**WITH_PASSWORD, "DATABASE_URL": address})
    try:
        assert soon(lambda: "database unreachable; waiting for it" in run.err.read_text())
        with pytest.raises(httpx.ConnectError):  # nobody is taken in whom nobody could answer
            httpx.get(run.url)
        server = embedded.start(folder, settings=FAST)
        try:
            until_ready(run)
            with client(run.url) as api:
                programme = enrol(api)
                answer = programme.application.post(WEIGHT.path(programme.child()), readings(1)[0])
                assert 201 == answer.status_code
            assert ["database unreachable; waiting for it", "connected to the database"] == [
                line["event"] for line in run.logged if "database" in line["event"]
            ][:2]
            assert 0 == run.end(signal.SIGTERM)
        finally:
            server.stop()
    finally:
        run.process.kill()
        run.process.wait()
        sweep(run.data)


@pytest.mark.parametrize("name", LASTING)
def test_a_process_that_waits_for_the_database_ends_cleanly_and_tells_no_password(tmp_path: Path, name: str) -> None:
    data, log = tmp_path / "data", tmp_path / "log"
    url = f"postgresql://somebody:{SECRET}@127.0.0.1:{free_port()}/nothing"
    with started(data, url, words(name, data), log) as process:
        assert soon(lambda: "database unreachable; waiting for it" in log.read_text())
        process.send_signal(signal.SIGTERM)
        assert 0 == process.wait(30)
    assert SECRET not in log.read_text()
    assert 1 == len(log.read_text().splitlines())


@pytest.mark.parametrize("name", LASTING)
def test_a_process_that_waits_for_a_database_that_says_nothing_ends_cleanly(
    server: embedded.Server, tmp_path: Path, name: str
) -> None:
    data, log = tmp_path / "data", tmp_path / "log"
    with lossy_proxy_to(server.socket / ".s.PGSQL.5432", last=b"Q") as line:
        url = make_conninfo(server.url, host="127.0.0.1", port=line.port, sslmode="disable", gssencmode="disable")
        with started(data, url, words(name, data), log) as process:
            assert soon(lambda: "did not answer within 2 s" in log.read_text(), 30)
            process.send_signal(signal.SIGTERM)
            assert 0 == process.wait(30)


def test_a_service_whose_database_says_nothing_while_it_is_prepared_tries_again_and_ends_cleanly(
    server: embedded.Server, tmp_path: Path
) -> None:
    data, log = tmp_path / "data", tmp_path / "log"
    with lossy_proxy_to(server.socket / ".s.PGSQL.5432", last=b"P") as line:  # a statement with parameters
        url = make_conninfo(server.url, host="127.0.0.1", port=line.port, sslmode="disable", gssencmode="disable")
        with started(data, url, words("serve", data), log) as process:
            assert soon(lambda: "lost the database while preparing it" in log.read_text(), 60)
            process.send_signal(signal.SIGTERM)
            assert 0 == process.wait(60)


@pytest.mark.parametrize("name", LASTING)
def test_a_database_that_refuses_the_session_ends_the_process_at_once_with_the_reason(
    server: embedded.Server, tmp_path: Path, name: str
) -> None:
    url = make_conninfo(server.url, dbname="nothing", password=SECRET)
    ended = run_briefly(*words(name, tmp_path / "data"), settings={**WITH_PASSWORD, "DATABASE_URL": url})
    assert (1, "") == (ended.returncode, ended.stdout)
    assert 'database "nothing" does not exist' in ended.stderr
    assert SECRET not in ended.stderr
    assert 1 == len(ended.stderr.splitlines()), ended.stderr


class Answers:
    """A server that answers one after another; `None`: it opens a session."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: tuple[str, bool] | None) -> None:
        self._answers = iter(answers)
        self._is_served = False
        monkeypatch.setattr(wait_for_database, "connector", lambda url: self._connect)
        monkeypatch.setattr(wait_for_database, "is_served", lambda url: self._is_served)
        monkeypatch.setattr(wait_for_database, "PAUSE", 0)

    def _connect(self, name: str) -> Any:
        if (answer := next(self._answers)) is None:
            return closing(self)
        message, self._is_served = answer
        raise psycopg.OperationalError(message)


def test_waiting_is_logged_once_and_then_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    Answers(monkeypatch, *[("connection refused", False)] * 5, None)
    now = iter(range(0, 10_000, 25))  # seconds that each look at the clock takes
    monkeypatch.setattr(time, "monotonic", lambda: next(now))
    with capture_logs() as logged:
        assert connect_when_available("", Flag()) is not None
    assert ["database unreachable; waiting for it"] * 2 + ["connected to the database"] == [
        each["event"] for each in logged
    ]
    assert [None, 75] == [each.get("seconds") for each in logged[:2]]


def test_a_database_that_goes_away_again_and_again_while_it_is_prepared_is_logged_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    failures = iter(range(50))

    def fail(*_: Any, **__: Any) -> None:
        if next(failures, None) is not None:
            raise psycopg.OperationalError("server closed the connection")

    monkeypatch.setattr(supervisor, "prepare", fail)
    monkeypatch.setattr(supervisor, "outdated_view_notices", lambda url: [])
    monkeypatch.setattr(supervisor, "PAUSE", 0)
    monkeypatch.setattr(supervisor, "connect_when_available", lambda *_: SimpleNamespace(close=lambda: None))
    settings = Settings(database_url="postgresql:///away")
    database = supervisor.Database(settings, tmp_path, Flag())
    with capture_logs() as logged:
        assert supervisor._prepare(settings, tmp_path, database, Flag(), io.StringIO())
    assert ["lost the database while preparing it; trying again", "the database is prepared"] == [
        each["event"] for each in logged
    ]


def test_a_database_that_goes_away_again_and_again_while_an_api_starts_is_logged_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    failures, application = iter(range(50)), cast(Any, object())

    def make() -> Any:
        if next(failures, None) is not None:
            raise psycopg.OperationalError("server closed the connection")
        return application

    monkeypatch.setattr(api_process, "connect_when_prepared", lambda url, stopping: True)
    with capture_logs() as logged:
        assert application is api_process._wait_and_create("", make)
    assert ["lost the database while the API was starting; trying again"] == [each["event"] for each in logged]


@pytest.mark.parametrize(
    "message",
    [
        "sorry, too many clients already",
        "remaining connection slots are reserved",
        "no more connections",
    ],
)
def test_a_server_without_a_free_session_is_waited_for(monkeypatch: pytest.MonkeyPatch, message: str) -> None:
    Answers(monkeypatch, *[(message, True)] * 5, None)
    assert connect_when_available("", Flag()) is not None


def test_a_server_that_has_started_between_an_error_and_a_look_at_it_has_not_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Answers(monkeypatch, ("connection refused", True), ("the database system is starting up", False), None)
    assert connect_when_available("", Flag()) is not None


def test_a_refusal_is_raised_at_its_second_time(monkeypatch: pytest.MonkeyPatch) -> None:
    Answers(monkeypatch, *[("password authentication failed", True)] * 2)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connect_when_available("", Flag())
