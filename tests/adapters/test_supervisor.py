"""A process of the service, or its embedded database, that ended is started again, whenever it ends."""

import io
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event as Flag
from threading import Timer
from types import SimpleNamespace
from typing import Any
from urllib.error import URLError

import psycopg
import pytest

from adapters.processes import supervisor
from adapters.processes.supervisor import Database, Subprocess
from adapters.settings import Settings
from adapters.system import subprocesses, tls

Spawn = Callable[..., subprocess.Popen[Any]]

GIVE_UP = 120.0
"""Seconds after which a test that waits without end stops, and fails."""


@pytest.fixture
def stopping() -> Iterator[Flag]:
    """Set when the test takes too long, so that it ends."""
    stopping = Flag()
    timer = Timer(GIVE_UP, stopping.set)
    timer.start()
    yield stopping
    timer.cancel()


@pytest.fixture
def database(tmp_path: Path, stopping: Flag) -> Iterator[Database]:
    database = Database(Settings(), tmp_path, stopping)
    yield database
    database.stop()


def kill_server(database: Database) -> None:
    assert database._server is not None
    database._server.process.send_signal(signal.SIGKILL)
    database._server.process.wait()


def ping(url: str) -> None:
    with psycopg.connect(url, connect_timeout=10):
        pass


def ended(*_: Any, **__: Any) -> subprocess.Popen[Any]:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process


def refused(*_: Any, **__: Any) -> subprocess.Popen[Any]:
    raise BlockingIOError(11, "Resource temporarily unavailable")


def test_a_process_that_cannot_be_started_again_now_is_started_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "RESTART_PAUSE", -1.0)
    monkeypatch.setattr(subprocesses, "spawn", ended)
    running = Subprocess(["api"], {})
    first = running.process
    running.watch()  # it has ended
    monkeypatch.setattr(subprocesses, "spawn", refused)
    running.watch()
    assert first is running.process
    monkeypatch.setattr(subprocesses, "spawn", ended)
    running.watch()
    assert first is not running.process


def test_an_embedded_database_that_ends_while_it_is_prepared_is_started_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, database: Database, stopping: Flag
) -> None:
    kills = iter([kill_server])

    def prepare(settings: Settings, data: Path, url: str, *, out: Any) -> None:
        for kill in kills:
            kill(database)
        ping(url)

    monkeypatch.setattr(supervisor, "prepare", prepare)
    monkeypatch.setattr(supervisor, "outdated_view_notices", lambda url: [])
    assert supervisor._prepare(Settings(), tmp_path, database, stopping, io.StringIO())


def test_an_embedded_database_that_ends_while_the_api_starts_is_started_again(
    monkeypatch: pytest.MonkeyPatch, database: Database, stopping: Flag
) -> None:
    def ask(*_: Any, **__: Any) -> Any:
        """Answer like an API, which is ready when the database is there."""
        try:
            ping(database.url)
        except psycopg.OperationalError as error:
            raise URLError("not ready") from error
        return io.BytesIO()

    monkeypatch.setattr(tls, "local_opener", lambda: SimpleNamespace(open=ask))
    kill_server(database)
    assert supervisor._wait_until_ready("http://127.0.0.1:9", [], database, stopping)


def test_an_embedded_database_that_is_restarted_keeps_its_address_where_its_path_is_long(
    tmp_path: Path, stopping: Flag
) -> None:
    """The socket lies in the temp folder then; the processes of the service know only the first address."""
    database = Database(Settings(), tmp_path / ("long" * 30), stopping)
    try:
        for _ in range(2):
            kill_server(database)
            database.restart_if_ended()
            ping(database.url)
    finally:
        database.stop()
