"""The schema: numbered SQL files, each applied once, in order, under a lock, and never changed after."""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import structlog
from psycopg import Connection

from adapters.postgres import schema_check
from adapters.postgres.schema_check import MigrationRefused, foreign
from adapters.postgres.schema_version import Schema, schema_of
from projections import statements
from projections.views import generations
from projections.views.generations import NamesInUse

logger = structlog.get_logger()

MIGRATIONS = Path(__file__).parent / "migrations"

SQL = statements.beside(__file__, "migrate")

LOCK = 0x67726F77
"""Held by whoever applies migrations or makes the first admin; any other waits and then finds nothing left to do."""

LOCK_STATEMENT = SQL["lock"]


class SchemaChanged(MigrationRefused):
    """A migration that was applied is not the one in the project; the message names it."""


def schema(connection: Connection[Any], files: Path = MIGRATIONS) -> Schema:
    """How the schema of a database stands."""
    ((is_there,),) = connection.execute(SQL["has_migrations"]).fetchall()
    applied = {name for name, _ in connection.execute(SQL["applied"])} if is_there else set()
    return schema_of(applied, {file.name for file in files.glob("*.sql")})


def is_under_way(connection: Connection[Any]) -> bool:
    """Whether another session applies migrations now."""
    ((is_locked,),) = connection.execute(SQL["is_locked"], {"lock": LOCK}).fetchall()
    return bool(is_locked)


def migrate(connection: Connection[Any], partitions: int, files: Path = MIGRATIONS) -> list[str]:
    """Apply what has not been applied, in one transaction, and return the names. MigrationRefused.

    A log that is new gets `partitions` partitions; one that is there keeps its own. Nothing is written where nothing is
    left to do, so that a server that takes no writes is no hindrance then.
    """
    connection.rollback()
    texts = {file.name: file.read_bytes() for file in sorted(files.glob("*.sql"))}
    with connection.transaction():
        connection.execute(LOCK_STATEMENT, {"lock": LOCK})
        schema_check.check_encoding(connection)
        applied = _applied(connection, texts)
        if applied and (stands := schema_of(applied, texts)).is_newer:
            raise MigrationRefused(stands.what)
        schema_check.check_schema(connection, applied)
        schema_check.check_objects(connection, texts, applied)
        if not applied:
            connection.execute(SQL["create_migrations"])
        for name, text in texts.items():
            if name not in applied:
                connection.execute(text)
                connection.execute(SQL["set_applied"], {"name": name, "checksum": sha256(text).hexdigest()})
        _make_partitions(connection, partitions)
        try:
            generations.prepare(connection)
        except NamesInUse as error:
            raise MigrationRefused(foreign(error.names)) from error
    added = [name for name in texts if name not in applied]
    if added:
        logger.info("migrations applied", names=added)
    else:
        logger.debug("no migration to apply")
    return added


def _applied(connection: Connection[Any], texts: Mapping[str, bytes]) -> set[str]:
    """The names of the files that were applied, of which none may have changed since."""
    ((is_there,),) = connection.execute(SQL["has_migrations"]).fetchall()
    if not is_there:
        return set()
    ((is_ours,),) = connection.execute(SQL["is_ours"]).fetchall()
    applied = dict(connection.execute(SQL["applied"]).fetchall()) if is_ours else {}
    if not applied:
        raise MigrationRefused(foreign(["migrations"]))
    for name, text in texts.items():
        if applied.get(name, checksum := sha256(text).hexdigest()) != checksum:
            raise SchemaChanged(f"{name} was changed after it had been applied")
    return set(applied)


def _make_partitions(connection: Connection[Any], partitions: int) -> None:
    ((count, is_wrong),) = connection.execute(SQL["partitions"]).fetchall()
    if is_wrong:
        raise MigrationRefused(
            "the table heads has not one row for each partition of the log: was a backup restored only in part? "
            "Restore all of it into an empty database"
        )
    if not count:
        connection.execute(SQL["add_partitions"], {"partitions": partitions})
