"""Fixtures of all tests: a PostgreSQL of their own, and new databases on it."""

import logging
import sys
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

structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))  # like commands

PACKAGES = frozenset({"application", "projections", "adapters"})

PARTITIONS = 8
"""Few, so that keys meet."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the slowest modules first, so that no worker is left with a long one at the end."""
    items.sort(key=lambda item: "tests/running/" not in item.nodeid)


@pytest.fixture(autouse=True)
def fresh_loggers() -> Iterator[None]:
    """Each test binds the loggers of our modules anew. A process keeps what they are bound to at their first line, and
    tests that run its code in this one would bind them for those that come after."""
    yield
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in PACKAGES:
            getattr(vars(module).get("logger"), "__dict__", {}).pop("bind", None)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[embedded.Server]:
    settings = {"fsync": "off", "full_page_writes": "off"}  # it need not survive a crash
    running = embedded.start(tmp_path_factory.mktemp("server"), settings=settings)
    yield running
    running.stop()


@pytest.fixture(scope="session")
def template(server: embedded.Server) -> Callable[[int], str]:
    """A function that returns the name of a template database with the schema, for a number of partitions."""

    @cache
    def template_of(partitions: int) -> str:
        url = databases.new(server.url)
        with psycopg.connect(url) as connection:
            migrate(connection, partitions)
        return databases.name_of(url)

    return template_of


@pytest.fixture(scope="session")
def new_database(server: embedded.Server, template: Callable[[int], str]) -> Callable[..., str]:
    """A function that makes an empty database with the schema, which stays until the end, and returns its address."""
    return lambda partitions=PARTITIONS: databases.new(server.url, template(partitions))


@pytest.fixture
def database(server: embedded.Server, template: Callable[[int], str]) -> Iterator[str]:
    with databases.copied(server.url, template(PARTITIONS)) as url:
        yield url


@pytest.fixture
def connect(database: str) -> Callable[[str], psycopg.Connection[Any]]:
    return connector(database)
