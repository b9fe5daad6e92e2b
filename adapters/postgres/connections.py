"""Opens all sessions with PostgreSQL. Each has an application name, the same settings in every environment, and a time
limit for opening."""

import asyncio
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from psycopg import AsyncConnection, Connection, pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.sql import SQL, Composed, Identifier, Literal
from psycopg_pool import AsyncConnectionPool

OPENING_TIME = 2
"""Seconds for connecting to each host of the address, and again for setting up the session. A `connect_timeout` in the
address takes precedence. Opening a session never takes longer than the sum."""

KEEPALIVE: dict[str, Any] = {
    "keepalives_idle": 2,
    "keepalives_interval": 1,
    "keepalives_count": 3,
    "tcp_user_timeout": 5_000,  # milliseconds
}
"""A server that disappears without closing the connection is detected after 5 seconds."""

SETTINGS: Mapping[str, str] = {
    # These two come first because they could abort the set-up. A role's limits are meant for people, not for a rebuild.
    "statement_timeout": "0",
    "transaction_timeout": "0",
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",  # the projector and the pool keep idle sessions open
    # A client that disappears without closing the connection keeps its locks no longer than KEEPALIVE allows a server.
    "tcp_keepalives_idle": "2",
    "tcp_keepalives_interval": "1",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "5000",
    # How values are read and written. psycopg relies on these, and the days of rollups depend on the time zone.
    "client_encoding": "UTF8",
    "timezone": "UTC",
    "datestyle": "ISO, YMD",
    "intervalstyle": "postgres",
    "extra_float_digits": "1",  # the fewest digits that restore the same number
    "bytea_output": "hex",
    # How statements are read.
    "standard_conforming_strings": "on",
    "array_nulls": "on",  # otherwise a null in an array is read as the text NULL
    "transform_null_equals": "off",
    # Tables of the same names in another schema are not ours.
    "search_path": "public",
    # Filtered rows would be missing from answers unnoticed. With `off`, PostgreSQL refuses the statement instead.
    "row_security": "off",
    # Transactions take their locks first, and then must read what other transactions have committed in the meantime.
    "default_transaction_isolation": "read committed",
    "default_transaction_deferrable": "off",
    # Acknowledged events must be on disk.
    "synchronous_commit": "on",
    "exit_on_error": "off",  # a refused statement must not cost the session
    # Statements are short. Sessions that need other plans override these.
    "jit": "off",
    "plan_cache_mode": "auto",
}
"""The settings of every session, so that no setting of the server, the database, the role or the environment changes an
answer.

Left to the operator: `role` (the role that we work as), `default_transaction_read_only` (a read-only database refuses
writes, and commands report this), everything about memory, planning and logging (it affects speed, not answers), and
`session_replication_role` (there are no triggers, rules or foreign keys).
"""

SINCE = {"transaction_timeout": 170000}
"""The PostgreSQL version that introduced a setting, if it is newer than 15."""

QUERY_TIMEOUT = 10
"""Seconds that PostgreSQL may take for one statement of a query."""

READING: Mapping[str, str] = {"lock_timeout": "2s", "statement_timeout": f"{QUERY_TIMEOUT}s"}
"""Settings of sessions for queries: they wait for a lock no longer than a writer does, and every statement has a
limit."""

SENT_BY_LIBPQ = ("PGTZ", "PGDATESTYLE", "PGGEQO")
"""Variables that libpq sends as settings of every session. An address cannot override them, and a value that PostgreSQL
does not know prevents the session from opening."""


def connector(url: str, settings: Mapping[str, str] = {}) -> Callable[[str], Connection[Any]]:
    """Return a function that opens a session with the given application name. `settings` extend or override SETTINGS.

    The function raises OperationalError if the server cannot be reached or does not answer in time.
    """

    def connect(name: str) -> Connection[Any]:
        parameters = _parameters(url, name)
        connection = psycopg.connect(**parameters, autocommit=True)
        configure(connection, {**SETTINGS, **settings}, parameters["connect_timeout"])
        connection.autocommit = False
        return connection

    return connect


async def connect_async(url: str, name: str, settings: Mapping[str, str] = {}) -> AsyncConnection[Any]:
    """Open a session in autocommit mode; otherwise like `connector`."""
    parameters = _parameters(url, name)
    connection = await AsyncConnection.connect(**parameters, autocommit=True)
    await _configure_async(connection, {**SETTINGS, **settings}, parameters["connect_timeout"])
    return connection


def pool(url: str, most: int, settings: Mapping[str, str] = READING) -> AsyncConnectionPool[Any]:
    """Return an unopened pool of at most `most` sessions in autocommit mode."""
    parameters = _parameters(url, "reader")

    async def configure(connection: AsyncConnection[Any]) -> None:
        await _configure_async(connection, {**SETTINGS, **settings}, parameters["connect_timeout"])

    return AsyncConnectionPool(
        kwargs={**parameters, "autocommit": True},
        configure=configure,
        min_size=1,
        max_size=most,
        reconnect_timeout=1.0,  # after that, the next request for a session tries again, without increasing pauses
        open=False,
    )


def _parameters(url: str, name: str) -> dict[str, Any]:
    """The parameters for libpq. Those in the address take precedence, and no environment variable adds a setting."""
    for variable in SENT_BY_LIBPQ:
        os.environ.pop(variable, None)
    asked: dict[str, Any] = {"options": "", **KEEPALIVE, **conninfo_to_dict(url)}
    seconds = int(float(asked.get("connect_timeout", 0)))
    # `options` are sent only if the address has some, because PgBouncer refuses them.
    return {
        **asked,
        "connect_timeout": seconds if seconds > 0 else OPENING_TIME,
        "client_encoding": "UTF8",
        "application_name": name,
    }


def is_served(url: str) -> bool:
    """Whether a server answers, and either accepts sessions or refuses ours for a permanent reason.

    False while it is away, starting, stopping or recovering. Also true for an address that cannot be used at all.
    """
    conninfo = make_conninfo(**_parameters(url, "prepare"))
    return pq.PGconn.ping(conninfo.encode()) not in (pq.Ping.NO_RESPONSE, pq.Ping.REJECT)


def configure(connection: Connection[Any], settings: Mapping[str, str], seconds: float = OPENING_TIME) -> None:
    """Apply the settings to a session that is not in a transaction, in one round trip.

    If this fails or takes longer than `seconds`, close the connection and raise OperationalError.
    """
    statement = _set(settings, connection.info.server_version)
    autocommit = connection.autocommit
    try:
        with limited(connection, seconds):
            connection.autocommit = True
            while True:
                with suppress(psycopg.errors.QueryCanceled):  # by a statement_timeout that was not reset yet
                    connection.execute(statement, prepare=False)
                    break
            connection.autocommit = autocommit
    except BaseException:
        connection.close()
        raise


async def _configure_async(connection: AsyncConnection[Any], settings: Mapping[str, str], seconds: float) -> None:
    asking = asyncio.ensure_future(_execute(connection, _set(settings, connection.info.server_version)))
    try:
        # `wait` does not cancel the task when the caller is cancelled; psycopg would then wait for the server.
        await asyncio.wait([asking], timeout=seconds)
    finally:
        if not asking.done() or asking.exception() is not None:
            abort_connection(connection)
            # The task owns the socket while it runs, which is not for long now.
            asking.add_done_callback(lambda _: connection.pgconn.finish())
            asking.add_done_callback(lambda asked: asked.exception())  # otherwise asyncio logs it as never retrieved
    if not asking.done():
        raise psycopg.errors.ConnectionTimeout(_no_answer(seconds))
    asking.result()


async def _execute(connection: AsyncConnection[Any], statement: Composed) -> None:
    while True:
        with suppress(psycopg.errors.QueryCanceled):
            await connection.execute(statement, prepare=False)
            break


def _set(settings: Mapping[str, str], version: int) -> Composed:
    """One query of several statements, which PostgreSQL allows if there are no parameters. Unlike several `set_config`
    in one statement, each setting already applies to the statements after it."""
    known = {name: value for name, value in settings.items() if SINCE.get(name, 0) <= version}
    return SQL("; ").join(SQL("set {} = {}").format(Identifier(name), Literal(value)) for name, value in known.items())


@contextmanager
def limited(connection: Connection[Any], seconds: float) -> Iterator[None]:
    """Abort the connection and raise ConnectionTimeout if the block takes longer, whatever the server does."""
    late = threading.Event()

    def end() -> None:
        late.set()
        abort_connection(connection)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    except psycopg.OperationalError as error:
        if late.is_set():
            raise psycopg.errors.ConnectionTimeout(_no_answer(seconds)) from error
        raise
    finally:
        timer.cancel()


def _no_answer(seconds: float) -> str:
    return f"PostgreSQL took the connection but did not answer within {seconds:g} s"


def abort_connection(connection: Connection[Any] | AsyncConnection[Any]) -> None:
    """Shut down the socket of a session, from any thread. A caller that waits for an answer gets OperationalError at
    once."""
    with suppress(psycopg.Error, OSError):
        number = connection.fileno()
        with socket.socket(fileno=os.dup(number)) as line:
            # If its owner has closed the session in the meantime, the copy may be of another socket that reuses the
            # number. A session that still has its number also had it while we copied it.
            if connection.fileno() == number:
                line.shutdown(socket.SHUT_RDWR)
