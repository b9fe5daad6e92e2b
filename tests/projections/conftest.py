"""What the tests of views share."""

from typing import Any

import psycopg
import pytest


@pytest.fixture(scope="session")
def tried_on(new_database: Any) -> str:
    """The address of a database for trials."""
    return str(new_database())


@pytest.fixture(scope="session")
def cursor(tried_on: str) -> Any:
    with psycopg.connect(tried_on) as connection, connection.cursor() as cursor:
        yield cursor
        connection.rollback()
