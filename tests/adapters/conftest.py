"""What the tests of the adapters share."""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
import structlog

from tests.adapters.world import World, settle_in


@pytest.fixture(scope="session", autouse=True)
def plain_logs() -> None:
    """Traces as Python writes them: with every variable of every frame, as by default, one takes seconds."""
    structlog.configure(processors=[structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer()])


@pytest.fixture
def world(connect: Callable[[str], psycopg.Connection[Any]]) -> Iterator[World]:
    """A fresh log with its first people."""
    settled = settle_in(connect)
    yield settled
    settled.log.close()


@pytest.fixture
def session(database: str) -> Iterator[psycopg.Connection[Any]]:
    """Another session on the database of the test, each statement a transaction of its own."""
    with psycopg.connect(database, autocommit=True) as connection:
        yield connection
