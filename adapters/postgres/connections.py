"""Opens every session with PostgreSQL: each has a name, the same settings whatever its surroundings say, and a limited
time to open."""

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
"""Seconds for the connection to each host of the address, and again for the set-up of the session, unless the address
has a `connect_timeout`. Opening a session never takes longer than these together."""

KEEPALIVE: dict[str, Any] = {
    "keepalives_idle": 2,
    "keepalives_interval": 1,
    "keepalives_count": 3,
    "tcp_user_timeout": 5_000,  # milliseconds
}
"""A server that vanished without a word is noticed after 5 seconds."""

SETTINGS: Mapping[str, str] = {
    # These two first: they would end the set-up itself. A role's limits are meant for people, not for a rebuild.
    "statement_timeout": "0",
    "transaction_timeout": "0",
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",  # the projector and the pool keep sessions that have nothing to do
    # A client that vanished without a word holds its locks no longer than a server would be waited for.
    "tcp_keepalives_idle": "2",
    "tcp_keepalives_interval": "1",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "5000",
    # How values are read and written. psycopg rests on these, and the days of rollups on the time zone.
    "client_encoding": "UTF8",
    "timezone": "UTC",
    "datestyle": "ISO, YMD",
    "intervalstyle": "postgres",
    "extra_float_digits": "1",  # the shortest digits that give the same number again
    "bytea_output": "hex",
    # How statements are read.
    "standard_conforming_strings": "on",
    "array_nulls": "on",  # else the null of an array is the text NULL
    "transform_null_equals": "off",
    # The tables of another schema that has the same names are not ours.
    "search_path": "public",
    # Filtered rows would be missing from answers without a word; with `off` PostgreSQL refuses the statement.
    "row_security": "off",
    # Transactions take locks first and read afterwards what others have committed meanwhile.
    "default_transaction_isolation": "read committed",
    "default_transaction_deferrable": "off",
    # What was acknowledged is on disk.
    "synchronous_commit": "on",
    "exit_on_error": "off",  # a refused statement must not cost the session
    # Statements are short, and each session that needs other plans says so itself.
    "jit": "off",
    "plan_cache_mode": "auto",
}
"""What every session sets when it begins, so that no setting of the server, the database, the role or the environment
changes an answer.

Left to the operator: `role` (as whom we work), `default_transaction_read_only` (a database that is to take no writes
takes none, and commands say so), everything about memory, planning and logging (it costs time, not answers), and
`session_replication_role` (there are no triggers, rules or foreign keys).
"""

SINCE = {"transaction_timeout": 170000}
"""The version of PostgreSQL that has brought a setting, where it is newer than 15."""

QUERY_TIMEOUT = 10
"""Seconds that PostgreSQL may take for one statement of a question."""

READING: Mapping[str, str] = {"lock_timeout": "2s", "statement_timeout": f"{QUERY_TIMEOUT}s"}
"""Of sessions for questions: they wait for a lock no longer than a writer does, and none is answered for ever."""

SENT_BY_LIBPQ = ("PGTZ", "PGDATESTYLE", "PGGEQO")
"""Variables that libpq makes settings of every session. They cannot be overridden in an address, and a value that
PostgreSQL does not know keeps the session from opening."""


def connector(url: str, settings: Mapping[str, str] = {}) -> Callable[[str], Connection[Any]]:
    """A function that opens a session under the application name it is given. `settings` go beyond or against SETTINGS.

    OperationalError where the server cannot be reached or does not answer in time.
    """

    def connect(name: str) -> Connection[Any]:
        parameters = _parameters(url, name)
        connection = psycopg.connect(**parameters, autocommit=True)
        configure(connection, {**SETTINGS, **settings}, parameters["connect_timeout"])
        connection.autocommit = False
        return connection

    return connect


async def connect_async(url: str, name: str, settings: Mapping[str, str] = {}) -> AsyncConnection[Any]:
    """Open a session in autocommit, like `connector`."""
    parameters = _parameters(url, name)
    connection = await AsyncConnection.connect(**parameters, autocommit=True)
    await _configure_async(connection, {**SETTINGS, **settings}, parameters["connect_timeout"])
    return connection


def pool(url: str, most: int, settings: Mapping[str, str] = READING) -> AsyncConnectionPool[Any]:
    """A pool, not yet open, of up to so many sessions in autocommit."""
    parameters = _parameters(url, "reader")

    async def configure(connection: AsyncConnection[Any]) -> None:
        await _configure_async(connection, {**SETTINGS, **settings}, parameters["connect_timeout"])

    return AsyncConnectionPool(
        kwargs={**parameters, "autocommit": True},
        configure=configure,
        min_size=1,
        max_size=most,
        reconnect_timeout=1.0,  # then whoever asks next makes it try again, without growing pauses
        open=False,
    )


def _parameters(url: str, name: str) -> dict[str, Any]:
    """How libpq opens a session. What the address says itself counts; no variable of the environment adds a setting."""
    for variable in SENT_BY_LIBPQ:
        os.environ.pop(variable, None)
    asked: dict[str, Any] = {"options": "", **KEEPALIVE, **conninfo_to_dict(url)}
    seconds = int(float(asked.get("connect_timeout", 0)))
    # `options` are sent only where the address has some: PgBouncer refuses them.
    return {
        **asked,
        "connect_timeout": seconds if seconds > 0 else OPENING_TIME,
        "client_encoding": "UTF8",
        "application_name": name,
    }


def is_served(url: str) -> bool:
    """Whether a server answers that takes sessions, or refuses ours for a reason: not while it is away, starts, stops
    or recovers. True also for an address that cannot be used at all."""
    conninfo = make_conninfo(**_parameters(url, "prepare"))
    return pq.PGconn.ping(conninfo.encode()) not in (pq.Ping.NO_RESPONSE, pq.Ping.REJECT)


def configure(connection: Connection[Any], settings: Mapping[str, str], seconds: float = OPENING_TIME) -> None:
    """Set these for the rest of a session that is in no transaction, in one round trip; close it where that fails, or
    takes longer. OperationalError."""
    statement = _set(settings, connection.info.server_version)
    autocommit = connection.autocommit
    try:
        with limited(connection, seconds):
            connection.autocommit = True
            while True:
                with suppress(psycopg.errors.QueryCanceled):  # by a statement_timeout, before it was reset
                    connection.execute(statement, prepare=False)
                    break
            connection.autocommit = autocommit
    except BaseException:
        connection.close()
        raise


async def _configure_async(connection: AsyncConnection[Any], settings: Mapping[str, str], seconds: float) -> None:
    asking = asyncio.ensure_future(_execute(connection, _set(settings, connection.info.server_version)))
    try:
        # Not cancelled itself when the caller is: psycopg would wait for the server then.
        await asyncio.wait([asking], timeout=seconds)
    finally:
        if not asking.done() or asking.exception() is not None:
            abort_connection(connection)
            # The socket belongs to the task for as long as that runs, which is not long now.
            asking.add_done_callback(lambda _: connection.pgconn.finish())
            asking.add_done_callback(lambda asked: asked.exception())  # else the loop says that nobody has seen it
    if not asking.done():
        raise psycopg.errors.ConnectionTimeout(_no_answer(seconds))
    asking.result()


async def _execute(connection: AsyncConnection[Any], statement: Composed) -> None:
    while True:
        with suppress(psycopg.errors.QueryCanceled):
            await connection.execute(statement, prepare=False)
            break


def _set(settings: Mapping[str, str], version: int) -> Composed:
    """Several statements, which PostgreSQL takes as one query where there are no parameters: unlike `set_config` in one
    statement, the first of them counts for those that follow."""
    known = {name: value for name, value in settings.items() if SINCE.get(name, 0) <= version}
    return SQL("; ").join(SQL("set {} = {}").format(Identifier(name), Literal(value)) for name, value in known.items())


@contextmanager
def limited(connection: Connection[Any], seconds: float) -> Iterator[None]:
    """Hang up when the block takes longer: ConnectionTimeout, whatever the server does."""
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
    """End the line of a session, from any thread: whoever waits for its answer gets OperationalError at once."""
    with suppress(psycopg.Error, OSError):
        number = connection.fileno()
        with socket.socket(fileno=os.dup(number)) as line:
            # If its owner has closed the session meanwhile, the copy may be of another socket that got the number.
            # A session that still has its number had it while it was copied.
            if connection.fileno() == number:
                line.shutdown(socket.SHUT_RDWR)
