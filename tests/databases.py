"""Databases on the server of the tests, made as copies of others."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.sql import SQL, Identifier


def new(server: str, template: str = "template1") -> str:
    """Copy a database of the server, to which nobody may be connected, and return the address of the copy."""
    name = f"test_{uuid4().hex}"
    # Copy its files, without writing their pages to the write-ahead log.
    statement = SQL("create database {} template {} strategy file_copy")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(statement.format(Identifier(name), Identifier(template)))
    return make_conninfo(server, dbname=name)


def name_of(url: str) -> str:
    return str(conninfo_to_dict(url)["dbname"])


@contextmanager
def copied(server: str, template: str) -> Iterator[str]:
    """A copy that is dropped after the block, even if somebody is still connected."""
    url = new(server, template)
    try:
        yield url
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(SQL("drop database {} with (force)").format(Identifier(name_of(url))))
