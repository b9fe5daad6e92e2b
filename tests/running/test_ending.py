"""An API process ends on SIGTERM, whatever its writer does."""

import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.acceptance.people import unique
from tests.running.processes import PASSWORD, WITH_PASSWORD, run_briefly, soon
from tests.running.programme import client
from tests.running.single_api import answering

LONG = 600
"""Seconds that an append takes: nobody waits for that."""


@pytest.fixture
def slow(database: str, tmp_path: Path) -> dict[str, str]:
    """The settings of a service whose appends take long."""
    settings = {**WITH_PASSWORD, "DATABASE_URL": database}
    assert 0 == run_briefly("prepare", "--data", str(tmp_path / "data"), settings=settings).returncode
    with psycopg.connect(database, autocommit=True) as session:
        body = f"begin perform pg_sleep({LONG}); return null; end"
        session.execute(f"create function slow() returns trigger language plpgsql as '{body}'".encode())
        session.execute("create trigger slow before insert on events for each statement execute function slow()")
    return settings


def test_an_api_process_with_a_hanging_writer_ends_on_sigterm(
    slow: dict[str, str], database: str, tmp_path: Path
) -> None:
    with answering(tmp_path / "data", slow) as run, ThreadPoolExecutor(1) as threads, client(run.url) as api:
        admin = api.login("admin", PASSWORD)
        posting = threads.submit(admin.post, "/v1/institutions", {"type": "school", "name": unique("school")})
        with psycopg.connect(database, autocommit=True) as session:
            appending = "select from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()"
            assert soon(lambda: session.execute(appending).fetchall())
            assert 0 == run.end(signal.SIGTERM, 60)
            assert 503 == posting.result().status_code, posting.result().text


def test_a_second_signal_while_a_writer_hangs_logs_no_error_and_no_trace(
    slow: dict[str, str], database: str, tmp_path: Path
) -> None:
    with answering(tmp_path / "data", slow) as run, ThreadPoolExecutor(1) as threads, client(run.url) as api:
        admin = api.login("admin", PASSWORD)
        posting = threads.submit(admin.post, "/v1/institutions", {"type": "school", "name": unique("school")})
        with psycopg.connect(database, autocommit=True) as session:
            appending = "select from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()"
            assert soon(lambda: session.execute(appending).fetchall())
            run.process.send_signal(signal.SIGTERM)
            assert soon(lambda: "api drains" in [each["event"] for each in run.logged])
            run.end(signal.SIGTERM, 60)
        with suppress(httpx.TransportError):
            assert 503 == posting.result().status_code, posting.result().text
    events = [each["event"] for each in run.logged]
    assert "api ends at once" in events
    assert [] == [each for each in run.logged if each["level"] == "error" or "exception" in each]
