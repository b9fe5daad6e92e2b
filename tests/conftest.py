"""What tests share: a PostgreSQL of their own, and a fresh database on it for whoever asks."""

import logging
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import psycopg
import pytest
import structlog

from adapters.postgres import embedded
from adapters.postgres.connections import connector
from adapters.postgres.migrate import migrate
from tests import databases

structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))  # as for commands

PARTITIONS = 8
"""Few, so that keys meet."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The modules that take longest begin, so that in the end no worker waits long for another."""
    items.sort(key=lambda item: "tests/running/" not in item.nodeid)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[embedded.Server]:
    settings = {"fsync": "off", "full_page_writes": "off"}  # it need not survive the machine
    running = embedded.start(tmp_path_factory.mktemp("server"), settings=settings)
    yield running
    running.stop()


@pytest.fixture(scope="session")
def template(server: embedded.Server) -> Callable[[int], str]:
    """A function that names a database with the schema, for so many partitions, which others are copies of."""

    @cache
    def template_of(partitions: int) -> str:
        url = databases.new(server.url)
        with psycopg.connect(url) as connection:
            migrate(connection, partitions)
        return databases.name_of(url)

    return template_of


@pytest.fixture(scope="session")
def new_database(server: embedded.Server, template: Callable[[int], str]) -> Callable[..., str]:
    """A function that makes an empty database with the schema, kept to the end, and returns its address."""
    return lambda partitions=PARTITIONS: databases.new(server.url, template(partitions))


@pytest.fixture
def database(server: embedded.Server, template: Callable[[int], str]) -> Iterator[str]:
    with databases.copied(server.url, template(PARTITIONS)) as url:
        yield url


@pytest.fixture
def connect(database: str) -> Callable[[str], psycopg.Connection[Any]]:
    return connector(database)
