"""The schema: numbered SQL files, each applied once, in order, under a lock, and never changed after."""

from hashlib import sha256
from pathlib import Path
from typing import Any

from psycopg import Connection

from projections import generations

MIGRATIONS = Path(__file__).parent / "migrations"

LOCK = 0x67726F77
"""Held by whoever applies migrations; any other waits and then finds nothing left to do."""


class SchemaChanged(Exception):
    """A migration that was applied is not the one in the project; the message names it."""


def is_current(connection: Connection[Any], files: Path = MIGRATIONS) -> bool:
    """Whether every migration has been applied."""
    known = connection.execute("select to_regclass('migrations')").fetchone()
    if known is None or known[0] is None:
        return False
    applied = {name for (name,) in connection.execute("select name from migrations")}
    return all(file.name in applied for file in files.glob("*.sql"))


def migrate(connection: Connection[Any], partitions: int, files: Path = MIGRATIONS) -> list[str]:
    """Apply what has not been applied, in one transaction, and return the names.

    A log that is new gets `partitions` partitions; one that is there keeps its own.
    """
    connection.rollback()
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(%s)", (LOCK,))
        connection.execute(
            "create table if not exists migrations"
            " (name text primary key, checksum text not null, applied_at timestamptz not null default now())"
        )
        known = dict(connection.execute("select name, checksum from migrations").fetchall())
        applied = []
        for file in sorted(files.glob("*.sql")):
            checksum = sha256(file.read_bytes()).hexdigest()
            if file.name not in known:
                connection.execute(file.read_text().encode())
                connection.execute("insert into migrations (name, checksum) values (%s, %s)", (file.name, checksum))
                applied.append(file.name)
            elif known[file.name] != checksum:
                raise SchemaChanged(f"{file.name} was changed after it had been applied")
        connection.execute(
            "insert into heads (part) select part from generate_series(0, %s - 1) as part"
            " where not exists (select from heads)",
            (partitions,),
        )
        generations.prepare(connection)
    return applied
