"""Whatever a start asks of the database, it does not wait for ever for an answer that is lost."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from adapters.postgres import event_store
from adapters.postgres.connections import connector
from adapters.postgres.embedded import Server
from adapters.postgres.event_store import PostgresEventStore
from adapters.processes.prepare import (
    NotPrepared,
    equal_name_notices,
    outdated_view_notices,
    prepare,
    wait_until_prepared,
)
from adapters.settings import Settings
from tests import databases
from tests.adapters.stalling import Stall, stalling

PATIENCE = 60.0
"""Seconds within which everything happens; without a limit it never does."""

SETTINGS = Settings(admin_password="secret of the first", argon2_memory=64)


def in_time(ask: Callable[[str], object], database: str, server: Server, marker: bytes) -> None:
    """The answers from the statement on that has the marker are lost, and it is told within a limited time."""
    with ThreadPoolExecutor(1) as threads, stalling(server.socket / ".s.PGSQL.5432", marker) as proxy:
        proxy.stall = Stall.ANSWERS
        address = make_conninfo(database, host="127.0.0.1", port=proxy.port, sslmode="disable", gssencmode="disable")
        asking = threads.submit(ask, address)
        assert proxy.stalled.wait(PATIENCE)
        assert isinstance(asking.exception(PATIENCE), psycopg.OperationalError | NotPrepared)


@pytest.fixture
def empty(server: Server) -> Iterator[str]:
    with databases.copied(server.url, "template1") as url:
        yield url


@pytest.mark.parametrize("marker", [b"pg_advisory_xact_lock", b"from generate_series", b"user.registered"])
def test_a_preparation_ends_wherever_its_answers_get_lost(
    server: Server, empty: str, tmp_path: Path, marker: bytes
) -> None:
    in_time(lambda address: prepare(SETTINGS, tmp_path, address), empty, server, marker)


@pytest.mark.parametrize("ask", [wait_until_prepared, outdated_view_notices, equal_name_notices])
def test_a_look_at_what_is_there_ends_when_its_answer_gets_lost(
    server: Server, database: str, ask: Callable[[str], object]
) -> None:
    in_time(ask, database, server, b"select")


def test_a_log_that_is_opened_ends_when_its_answer_gets_lost(
    server: Server, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_store, "FIRST_QUERY_TIMEOUT", 0.5)
    in_time(lambda address: PostgresEventStore(connector(address)), database, server, b"count(*) from heads")
