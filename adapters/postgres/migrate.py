"""Migrates the schema: applies numbered SQL files, each once, in order and under a lock. Applied files never change."""

import time
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import structlog
from psycopg import Connection
from psycopg.errors import LockNotAvailable

from adapters.postgres import schema_check
from adapters.postgres.schema_check import MigrationRefused, foreign
from adapters.postgres.schema_version import Schema, schema_of
from application.outage import Outage
from projections import statements
from projections.views import generations
from projections.views.generations import NamesInUse

logger = structlog.get_logger()

MIGRATIONS = Path(__file__).parent / "migrations"

SQL = statements.load(__file__, "migrate")

LOCK = 0x67726F77
"""Key of the advisory lock that a process holds while it applies migrations or registers the first admin. Another one
waits, and then has nothing left to do."""

LOCK_STATEMENT = SQL["lock"]

LOCK_PAUSE = 1.0
"""Seconds between two attempts to lock the tables. Sessions that waited behind the first attempt can run in between."""


class SchemaChanged(MigrationRefused):
    """An applied migration differs from the file in the project; the message names it."""


def schema(connection: Connection[Any], files: Path = MIGRATIONS) -> Schema:
    """The state of a database's schema."""
    ((is_there,),) = connection.execute(SQL["has_migrations"]).fetchall()
    applied = {name for name, _ in connection.execute(SQL["applied"])} if is_there else set()
    return schema_of(applied, {file.name for file in files.glob("*.sql")})


def is_under_way(connection: Connection[Any]) -> bool:
    """Whether another session is applying migrations."""
    ((is_locked,),) = connection.execute(SQL["is_locked"], {"lock": LOCK}).fetchall()
    return bool(is_locked)


def migrate(connection: Connection[Any], partitions: int, files: Path = MIGRATIONS) -> list[str]:
    """Apply the migrations that are missing, in one transaction, and return their names. Raises MigrationRefused.

    A new log gets `partitions` partitions; an existing one keeps its own. If nothing is left to do, nothing is written,
    so that this also works on a read-only server.

    While another session, such as a pg_dump, keeps a table locked, this gives up its own locks and tries again: a
    migration that stayed in the lock queue would block every reader and projector behind it.
    """
    connection.rollback()
    texts = {file.name: file.read_bytes() for file in sorted(files.glob("*.sql"))}
    outage = Outage("migrations wait for a session that has locked a table", "the tables are free for migrations")
    with connection.transaction():
        connection.execute(LOCK_STATEMENT, {"lock": LOCK})
        while (added := _try_to_apply(connection, texts, partitions, outage)) is None:
            time.sleep(LOCK_PAUSE)
    if added:
        logger.info("migrations applied", names=added)
    else:
        logger.debug("no migration to apply")
    return added


def _try_to_apply(
    connection: Connection[Any], texts: Mapping[str, bytes], partitions: int, outage: Outage
) -> list[str] | None:
    """The names of the applied migrations. None if another session holds a lock for too long; all locks except that of
    the migrations are then released."""
    try:
        with connection.transaction():
            connection.execute(SQL["limit_waits"])
            added = _apply(connection, texts, partitions)
    except LockNotAvailable:
        holder = connection.execute(SQL["oldest_holder"]).fetchone()
        pid, name, user = holder or (None, "", None)
        outage.failed("another session holds a lock", pid=pid, application_name=name, user=user)
        return None
    outage.works()
    return added


def _apply(connection: Connection[Any], texts: Mapping[str, bytes], partitions: int) -> list[str]:
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
    return [name for name in texts if name not in applied]


def _applied(connection: Connection[Any], texts: Mapping[str, bytes]) -> set[str]:
    """The names of the applied files. Raises SchemaChanged if one of them has changed since."""
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
