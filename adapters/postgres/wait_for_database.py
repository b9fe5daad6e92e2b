"""How long-running processes wait for a PostgreSQL that is unreachable."""

import re
from collections.abc import Callable
from threading import Event as Flag
from typing import Any

import psycopg
from psycopg import Connection

from adapters.postgres.connections import connector, is_served
from application.outage import Outage
from projections.database_error import message_of

PAUSE = 0.5
"""Seconds between two attempts."""

_FULL = re.compile(r"too many|connection slots|no more connections|login has been failing", re.IGNORECASE)
"""Errors of PostgreSQL or a pooler that has no free session: handled like an unreachable server."""


def connect_when_available(
    url: str, stopping: Flag, before_each_try: Callable[[], None] = lambda: None
) -> Connection[Any] | None:
    """A session; waits as long as PostgreSQL is unreachable, starting or full. None once `stopping` is set.

    OperationalError if a server refuses the session, for example because of a wrong password.
    """
    outage = Outage("database unreachable; waiting for it", "connected to the database")
    refused = False
    while not stopping.is_set():
        before_each_try()
        try:
            connection = connector(url)("prepare")
        except psycopg.OperationalError as error:
            is_refusal = _is_refusal(url, error)
            if is_refusal and refused:  # twice: the server may have started between the error and the ping
                raise
            refused = is_refusal
            if not is_refusal:
                outage.failed(one_line(error))
            stopping.wait(PAUSE)
        else:
            outage.works()
            return connection
    return None


def _is_refusal(url: str, error: psycopg.OperationalError) -> bool:
    if isinstance(error, psycopg.errors.ConnectionTimeout) or _FULL.search(str(error)):
        return False
    return is_served(url)


def is_connection_lost(error: psycopg.OperationalError) -> bool:
    """Whether the session ended; else only a statement failed."""
    return error.sqlstate is None or error.sqlstate[:2] == "08" or error.sqlstate[:3] == "57P"


def one_line(error: Exception) -> str:
    return " ".join(message_of(error).split())
