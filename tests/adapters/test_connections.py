"""Every session is set up alike, whatever its surroundings say, and takes a limited time to open."""

import asyncio
import os
import re
import socket
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import Connection
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier, Literal

from adapters.postgres.connections import READING, SETTINGS, SINCE, abort_connection, connect_async, connector, pool
from adapters.postgres.embedded import Server
from tests.running.lossy_proxy import lossy_proxy_to

PROJECT = Path(__file__).parents[2]

HOSTILE = {
    "statement_timeout": "10s",
    "transaction_timeout": "10s",
    "lock_timeout": "1ms",
    "idle_in_transaction_session_timeout": "10s",
    "idle_session_timeout": "10s",
    "tcp_keepalives_idle": "7000",
    "tcp_keepalives_interval": "7000",
    "tcp_keepalives_count": "70",
    "tcp_user_timeout": "7000000",
    "client_encoding": "LATIN1",
    "timezone": "Europe/Berlin",
    "datestyle": "German",
    "intervalstyle": "sql_standard",
    "extra_float_digits": "0",
    "bytea_output": "escape",
    "standard_conforming_strings": "off",
    "array_nulls": "off",
    "transform_null_equals": "on",
    "search_path": "nonsense",
    "row_security": "on",
    "default_transaction_isolation": "repeatable read",
    "default_transaction_deferrable": "on",
    "synchronous_commit": "off",
    "exit_on_error": "on",
    "jit": "on",
    "plan_cache_mode": "force_generic_plan",
}
"""What a database, a role or a server may say instead."""


@contextmanager
def hostile_role(server: str, settings: Mapping[str, str]) -> Iterator[str]:
    """The address of the server for a role whose sessions begin with these settings."""
    name = f"hostile_{uuid4().hex}"
    role = Identifier(name)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(SQL("create role {} login").format(role))
        for setting, value in settings.items():
            connection.execute(SQL("alter role {} set {} = {}").format(role, Identifier(setting), Literal(value)))
        try:
            yield make_conninfo(server, user=name)
        finally:
            connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where usename = %s", [name])
            connection.execute(SQL("drop role {}").format(role))


@pytest.fixture(scope="module")
def hostile(server: Server) -> Iterator[str]:
    with hostile_role(server.url, HOSTILE) as url:
        yield url


def current(session: Connection[Any]) -> dict[str, str]:
    """Through a socket the keepalives of TCP are always 0."""
    names = [name for name in SETTINGS if not name.startswith("tcp_")]
    asked = "select name, current_setting(name) from unnest(%s::text[]) as s (name)"
    return dict(session.execute(asked, [names]).fetchall())


def test_every_session_setting_is_tested_against_a_hostile_value() -> None:
    assert SETTINGS.keys() == HOSTILE.keys()
    assert [] == [name for name in SETTINGS if SETTINGS[name] == HOSTILE[name]]


def test_every_session_begins_with_our_settings_whatever_its_role_says(hostile: str) -> None:
    with connector(hostile)("a test") as session:
        found = current(session)
        assert (False, "utf-8") == (session.autocommit, session.info.encoding)
    assert {name: value for name, value in SETTINGS.items() if name in found} == found


async def test_a_session_opens_although_statements_of_its_role_have_a_millisecond(server: Server) -> None:
    with hostile_role(server.url, {"statement_timeout": "1ms"}) as url:
        for _ in range(20):
            connector(url)("a test").close()
            await (await connect_async(url, "a test")).close()


async def test_asynchronous_sessions_and_those_of_a_pool_begin_with_the_same(hostile: str) -> None:
    asked = "select current_setting('timezone'), current_setting('statement_timeout'), current_setting('lock_timeout')"
    session = await connect_async(hostile, "a test")
    assert [("UTC", "0", "0")] == await (await session.execute(asked)).fetchall()
    await session.close()
    async with pool(hostile, 1) as sessions, sessions.connection() as pooled:
        limits = READING["statement_timeout"], READING["lock_timeout"]
        assert [("UTC", *limits)] == await (await pooled.execute(asked)).fetchall()


def test_settings_of_one_kind_of_session_go_beyond_those_of_all(server: Server) -> None:
    with connector(server.url, {"lock_timeout": "3s", "enable_seqscan": "off"})("a test") as session:
        (found,) = session.execute(
            "select current_setting('lock_timeout'), current_setting('enable_seqscan'), current_setting('timezone')"
        ).fetchall()
    assert ("3s", "off", "UTC") == found


def test_all_settings_are_set_in_one_round_trip(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    executed: list[object] = []
    execute = Connection.execute

    def noting(self: Connection[Any], query: Any, *args: Any, **kwargs: Any) -> Any:
        executed.append(query)
        return execute(self, query, *args, **kwargs)

    monkeypatch.setattr(Connection, "execute", noting)
    connector(server.url)("a test").close()
    assert 1 == len(executed)


def test_a_setting_is_left_out_where_the_server_is_older(monkeypatch: pytest.MonkeyPatch, server: Server) -> None:
    monkeypatch.setitem(SINCE, "transaction_timeout", 990000)
    with hostile_role(server.url, {"transaction_timeout": "1min"}) as url, connector(url)("a test") as session:
        assert [("1min",)] == session.execute("show transaction_timeout").fetchall()


def test_a_session_whose_set_up_fails_is_closed(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Connection[Any]] = []
    connect = psycopg.connect

    def noting(**how: Any) -> Connection[Any]:
        opened.append(connect(**how))
        return opened[-1]

    monkeypatch.setattr(psycopg, "connect", noting)
    with pytest.raises(psycopg.errors.UndefinedObject):
        connector(server.url, {"nonsense": "1"})("a test")
    assert [True] == [each.closed for each in opened]


def test_variables_of_libpq_add_no_setting(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PGTZ", "PGDATESTYLE", "PGGEQO", "PGCLIENTENCODING", "PGCONNECT_TIMEOUT"):
        monkeypatch.setenv(name, "nonsense")
    monkeypatch.setenv("PGOPTIONS", "-c nonsense=1")
    monkeypatch.setenv("PGAPPNAME", "nonsense")
    with connector(server.url)("a test") as session:
        assert [("a test",)] == session.execute("show application_name").fetchall()


def test_the_start_of_a_session_says_nothing_that_a_pooler_refuses() -> None:
    """PgBouncer takes these parameters in its session mode, and no others."""
    taken = {"user", "database", "client_encoding", "application_name"}
    with socket.create_server(("127.0.0.1", 0)) as listening, ThreadPoolExecutor(1) as threads:
        port = listening.getsockname()[1]
        address = f"host=127.0.0.1 port={port} user=a dbname=b sslmode=disable gssencmode=disable"
        opening = threads.submit(connector(address), "a test")
        client, _ = listening.accept()
        with client:
            start = client.recv(65_536)
        with pytest.raises(psycopg.OperationalError):
            opening.result()
    words = start[8:].rstrip(b"\0").split(b"\0")
    assert taken == {word.decode() for word in words[::2]}


@pytest.mark.parametrize(
    ("asked", "expected"), [({}, 2), ({"connect_timeout": "7"}, 7), ({"connect_timeout": "0"}, 2)], ids=str
)
def test_the_connect_timeout_of_the_address_counts(
    server: Server, monkeypatch: pytest.MonkeyPatch, asked: dict[str, str], expected: int
) -> None:
    seen: list[Any] = []
    connect = psycopg.connect

    def noting(**how: Any) -> Connection[Any]:
        seen.append(how["connect_timeout"])
        return connect(**how)

    monkeypatch.setattr(psycopg, "connect", noting)
    connector(make_conninfo(server.url, **asked))("a test").close()
    assert [expected] == seen


@pytest.fixture
def swallowing(server: Server) -> Iterator[str]:
    """The address of a line to the server that lets a session open, and swallows its first statement."""
    with lossy_proxy_to(server.socket / ".s.PGSQL.5432", last=b"Q") as line:
        yield make_conninfo(server.url, host="127.0.0.1", port=line.port, sslmode="disable", gssencmode="disable")


def test_a_set_up_that_is_not_answered_ends_in_time(swallowing: str) -> None:
    with pytest.raises(psycopg.errors.ConnectionTimeout, match="within 2 s"):
        connector(swallowing)("a test")


async def test_an_asynchronous_set_up_that_is_not_answered_ends_in_time(swallowing: str) -> None:
    with pytest.raises(psycopg.errors.ConnectionTimeout, match="within 2 s"):
        await connect_async(swallowing, "a test")


async def test_a_cancelled_asynchronous_connect_does_not_wait_for_the_server(swallowing: str) -> None:
    opening = asyncio.ensure_future(connect_async(make_conninfo(swallowing, connect_timeout=3600), "a test"))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(2):
            await opening
    assert opening.cancelled()


OPENING = re.compile(
    r"psycopg\.connect\(|Connection\.connect\(|AsyncConnectionPool\(|\bConnectionPool\(|PGconn\.connect"
)


def test_sessions_are_opened_in_one_place() -> None:
    found = [
        str(file.relative_to(PROJECT))
        for package in ("domain", "application", "projections", "adapters")
        for file in sorted((PROJECT / package).rglob("*.py"))
        if OPENING.search(file.read_text())
    ]
    assert ["adapters/postgres/connections.py"] == found


def test_aborting_a_session_that_is_closed_meanwhile_hits_no_other_socket(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = connector(server.url)("aborted")
    number = session.fileno()
    ours, theirs = socket.socketpair()
    dup = os.dup

    def close_first(of: int) -> int:
        """Between the look at the session's number and the copy, its owner closes it, and another socket gets it."""
        monkeypatch.undo()
        session.close()
        os.dup2(theirs.fileno(), number)
        return dup(of)

    monkeypatch.setattr(os, "dup", close_first)
    try:
        abort_connection(session)
        ours.sendall(b"still there")
        assert b"still there" == theirs.recv(20)
    finally:
        os.close(number)
        ours.close()
        theirs.close()
