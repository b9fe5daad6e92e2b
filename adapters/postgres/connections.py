"""Connections to PostgreSQL: each says who it is, and notices when the other side is gone."""

from collections.abc import Callable
from typing import Any

import psycopg
from psycopg import Connection

KEEPALIVE: dict[str, Any] = {
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "connect_timeout": 5,
}
"""Seconds; a peer that vanished without a word is noticed after 11."""


def connector(url: str) -> Callable[[str], Connection[Any]]:
    """A function that opens a connection under the application name it is given."""

    def connect(name: str) -> Connection[Any]:
        return psycopg.connect(url, application_name=name, **KEEPALIVE)

    return connect
