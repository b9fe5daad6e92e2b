"""What tests share: a PostgreSQL of their own, and a fresh database on it for whoever asks."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from adapters.postgres import embedded
from adapters.postgres.connections import connector
from adapters.postgres.migrate import migrate

PARTITIONS = 8
"""Few, so that keys meet."""


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[embedded.Server]:
    running = embedded.start(tmp_path_factory.mktemp("server"), settings={"fsync": "off"})
    yield running
    running.stop()


@pytest.fixture(scope="session")
def new_database(server: embedded.Server) -> Callable[..., str]:
    """A function that makes an empty database with the schema and returns its address."""

    def create(partitions: int = PARTITIONS) -> str:
        name = f"test_{uuid4().hex}"
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        url = make_conninfo(server.url, dbname=name)
        with psycopg.connect(url) as connection:
            migrate(connection, partitions)
        return url

    return create


@pytest.fixture
def database(new_database: Callable[..., str]) -> str:
    return new_database()


@pytest.fixture
def connect(database: str) -> Callable[[str], psycopg.Connection[Any]]:
    return connector(database)
