"""The PostgreSQL server of a run: sets its commit mode, times commits, counts events, and holds a snapshot open."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql

PLAIN, DEAR = "plain", "dear"
MODES = {
    PLAIN: {},
    DEAR: {"commit_delay": "1000", "commit_siblings": "0"},
}
"""Server settings by mode: the defaults, and commits that wait 1,000 µs before they flush."""


def set_mode(conninfo: str, mode: str) -> None:
    """Set the commit mode of the whole server, and wait until new sessions use it; RuntimeError if they do not."""
    wanted = MODES[mode]
    with psycopg.connect(conninfo, autocommit=True) as connection:
        for name in MODES[DEAR]:
            if name in wanted:
                change = sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(name), sql.Literal(wanted[name]))
            else:
                change = sql.SQL("ALTER SYSTEM RESET {}").format(sql.Identifier(name))
            connection.execute(change)
        connection.execute("SELECT pg_reload_conf()")
    deadline = time.monotonic() + 10
    while any(shown(conninfo, name) != value for name, value in wanted.items()) or (
        not wanted and shown(conninfo, "commit_delay") == MODES[DEAR]["commit_delay"]
    ):
        if time.monotonic() > deadline:
            raise RuntimeError(f"the server does not take {wanted or 'its own settings again'}")
        time.sleep(0.05)


def shown(conninfo: str, setting: str) -> str:
    """The value of a setting in a new session."""
    with psycopg.connect(conninfo) as connection:
        row = connection.execute("SELECT current_setting(%s)", [setting]).fetchone()
    assert row is not None
    return str(row[0])


def commit_time(conninfo: str, commits: int = 100) -> float:
    """The average milliseconds that one session waits for a small commit."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        start = time.perf_counter()
        for _ in range(commits):
            connection.execute("SELECT pg_logical_emit_message(true, 'bench', 'a commit')")
        return (time.perf_counter() - start) / commits * 1e3


def stored(conninfo: str) -> int:
    """The number of events in the log."""
    with psycopg.connect(conninfo) as connection:
        row = connection.execute("SELECT count(*) FROM events").fetchone()
    assert row is not None
    return int(row[0])


@contextmanager
def open_snapshot(conninfo: str) -> Iterator[None]:
    """Hold a transaction of another client open, which has read once and stays idle. Raises if it was terminated."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("SET idle_in_transaction_session_timeout = 0")
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        before = connection.execute("SELECT pg_current_snapshot()::text").fetchone()
        yield
        if connection.execute("SELECT pg_current_snapshot()::text").fetchone() != before:
            raise RuntimeError("the snapshot did not stay open")
        connection.execute("ROLLBACK")
