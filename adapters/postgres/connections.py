"""Connections to PostgreSQL: each says who it is, and notices when the other side is gone."""

import os
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psycopg
from psycopg import AsyncConnection, Connection
from psycopg.conninfo import conninfo_to_dict

KEEPALIVE: dict[str, Any] = {
    "keepalives_idle": 2,
    "keepalives_interval": 1,
    "keepalives_count": 3,
    "tcp_user_timeout": 5_000,  # milliseconds
    "connect_timeout": 2,
}
"""Seconds; a peer that vanished without a word is noticed after 5."""


def connector(url: str) -> Callable[[str], Connection[Any]]:
    """A function that opens a connection under the application name it is given."""

    def connect(name: str) -> Connection[Any]:
        return psycopg.connect(url, application_name=name, **KEEPALIVE)

    return connect


def reading(url: str) -> dict[str, Any]:
    """How a connection for questions is opened. They wait for a lock no longer than a writer does; none is so long that
    it would be worth compiling."""
    asked: dict[str, Any] = dict(conninfo_to_dict(url))
    options = f"{asked.get('options', '')} -c lock_timeout=2s -c jit=off".strip()
    return {**asked, **KEEPALIVE, "autocommit": True, "application_name": "reader", "options": options}


def hang_up(connection: Connection[Any] | AsyncConnection[Any]) -> None:
    """End the line of a session, from any thread: whoever waits for its answer gets OperationalError at once."""
    with suppress(psycopg.Error, OSError), socket.socket(fileno=os.dup(connection.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)
