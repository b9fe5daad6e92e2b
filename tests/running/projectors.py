"""Projectors as processes, what the database knows of them, and how they are cut off from it."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.running.processes import command, environment


def owners(url: str) -> dict[str | None, int]:
    """Who holds how many partitions; None for those that nobody holds."""
    with psycopg.connect(url) as connection:
        return dict(connection.execute("select owner, count(*) from leases group by owner").fetchall())


def shares(url: str) -> list[tuple[int, ...]]:
    """Of each view, how many partitions each of its holders has, ascending."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "select array_agg(held order by held)"
            " from (select view, owner, count(*) as held from leases group by view, owner) l group by view"
        ).fetchall()
    return [tuple(held) for (held,) in rows]


def terminate(url: str, name: str) -> int:
    """Cut the sessions of that application name (a pattern) off; how many."""
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where application_name like %s and datname = current_database()",
            [name],
        ).rowcount


@contextmanager
def projecting(url: str, data: Path) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(command("project", "--data", str(data)), env=environment(DATABASE_URL=url)) as process:
        try:
            yield process
        finally:
            process.kill()


def sessions(url: str) -> int:
    with psycopg.connect(url) as connection:
        return connection.execute(
            "select from pg_stat_activity where application_name like 'projector-%' and datname = current_database()"
        ).rowcount
