"""Concurrent migrations apply the schema once, and it is the documented one."""

import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import psycopg
import pytest
from structlog.testing import capture_logs

from adapters.postgres import migrate as migrating
from adapters.postgres.embedded import Server
from adapters.postgres.migrate import MIGRATIONS, SchemaChanged, migrate
from domain.catalogue import encode
from domain.partition import ACCOUNTS, partition, stream
from projections.views.registry import VIEWS
from tests import databases
from tests.examples import (
    CHILD,
    OTHER_CHILD,
    RECORDED_AT,
    group_formed,
    origin,
    password_changed,
    user_registered,
    weight_recorded,
)

FILES = [file.name for file in sorted(MIGRATIONS.glob("*.sql"))]
TOGETHER = 6


@pytest.fixture
def empty(server: Server) -> Iterator[str]:
    """The address of a database with nothing in it."""
    with databases.copied(server.url, "template1") as url:
        yield url


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A copy of the project's files, to be changed."""
    return Path(shutil.copytree(MIGRATIONS, tmp_path / "migrations"))


@pytest.fixture
def connection(empty: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(empty) as connection:
        yield connection


def schema(connection: psycopg.Connection[Any]) -> list[Any]:
    """Every table and index, and the generations of the views."""
    relations = connection.execute(
        "select relname, relkind, relfilenode from pg_class where relnamespace = 'public'::regnamespace order by 1"
    )
    return relations.fetchall() + connection.execute("table views").fetchall()


def partitions(connection: psycopg.Connection[Any]) -> list[int]:
    return [part for (part,) in connection.execute("select part from heads order by part").fetchall()]


def test_a_schema_is_applied_once(connection: psycopg.Connection[Any]) -> None:
    assert FILES == migrate(connection, 8)
    before = schema(connection)
    assert [] == migrate(connection, 8)
    assert before == schema(connection)


def test_several_at_once_apply_each_file_once(empty: str) -> None:
    together = Barrier(TOGETHER)

    def apply(_: int) -> list[str]:
        with psycopg.connect(empty) as connection:
            together.wait(10)
            return migrate(connection, 8)

    with ThreadPoolExecutor(TOGETHER) as threads:
        applied = sorted(threads.map(apply, range(TOGETHER)))
    assert [[]] * (TOGETHER - 1) + [FILES] == applied
    with psycopg.connect(empty) as connection:
        assert list(range(8)) == partitions(connection)
        generations = connection.execute("table views order by view").fetchall()
        assert [(name, 1, view.version, True, True, None) for name, view in sorted(VIEWS.latest.items())] == generations
        assert [(8 * len(VIEWS.latest),)] == connection.execute("select count(*) from leases").fetchall()


def test_a_file_that_was_changed_after_it_was_applied_is_named(
    connection: psycopg.Connection[Any], files: Path
) -> None:
    migrate(connection, 8, files)
    before = schema(connection)
    (files / FILES[-1]).write_text("create table another ();")
    (files / "0000_earlier.sql").write_text("create table earlier ();")
    with pytest.raises(SchemaChanged, match=FILES[-1]):
        migrate(connection, 8, files)
    assert before == schema(connection)


def test_a_new_file_is_applied_after_those_that_were(connection: psycopg.Connection[Any], files: Path) -> None:
    migrate(connection, 8, files)
    (files / "9999_last.sql").write_text(
        "create table last (percent text default '100 %'); insert into last values ('%s');"
    )
    assert ["9999_last.sql"] == migrate(connection, 8, files)
    assert [("%s",)] == connection.execute("table last").fetchall()


def test_a_file_that_fails_leaves_nothing_behind(connection: psycopg.Connection[Any], files: Path) -> None:
    (files / "9999_last.sql").write_text("create table last (); select 1 / 0;")
    with pytest.raises(psycopg.errors.DivisionByZero):
        migrate(connection, 8, files)
    assert (
        [] == connection.execute("select relname from pg_class where relnamespace = 'public'::regnamespace").fetchall()
    )
    (files / "9999_last.sql").unlink()
    assert FILES == migrate(connection, 8, files)


def test_the_partitions_of_a_log_never_change(connection: psycopg.Connection[Any], files: Path) -> None:
    migrate(connection, 8, files)
    (files / "9999_last.sql").write_text("create table last ();")
    for other in (4, 64):
        migrate(connection, other, files)
        assert list(range(8)) == partitions(connection)


@pytest.mark.parametrize("autocommit", [False, True])
def test_applied_migrations_are_visible_to_other_sessions(empty: str, autocommit: bool) -> None:
    with psycopg.connect(empty, autocommit=autocommit) as one, psycopg.connect(empty) as other:
        migrate(one, 8)
        assert list(range(8)) == partitions(other)


def test_changes_of_passwords_before_they_were_counted_are_counted_at_the_upgrade(
    connection: psycopg.Connection[Any], files: Path
) -> None:
    """Else tokens that were issued before them would be good again."""
    for file in [file for file in files.glob("*.sql") if file.name >= "0007"]:
        file.unlink()
    migrate(connection, 8, files)
    users = [user_registered(), user_registered(originator_id=stream(ACCOUNTS, OTHER_CHILD), user_id=OTHER_CHILD)]
    later = RECORDED_AT + timedelta(days=1)
    changes = [password_changed(), password_changed(originator_version=3, origin=origin(recorded_at=later))]
    events = [*users, *changes, group_formed(), weight_recorded()]
    for seq, event in enumerate(events, 1):
        row = (partition(event.originator_id, 8), seq, event.originator_id, event.originator_version)
        connection.execute(
            "insert into events (part, seq, originator_id, originator_version, topic, state)"
            " values (%s, %s, %s, %s, %s, %s)",
            (*row, event.stored_name, encode(event)),
        )
    for user in users:
        connection.execute(
            "insert into users (id, role, username, password_hash, profile) values (%s, 'child', %s, '', '{}')",
            (user.user_id, user.user_id),
        )
    connection.commit()
    assert "0007_passwords.sql" in migrate(connection, 8)
    counted = connection.execute("select id, password_changes, password_changed_at from users order by id").fetchall()
    assert sorted([(CHILD, 2, later), (OTHER_CHILD, 0, None)]) == counted


def test_a_migration_that_waits_for_a_dump_blocks_no_reader_and_names_the_session(
    empty: str, connection: psycopg.Connection[Any], files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(connection, 8, files)
    (files / "9999_last.sql").write_text("alter table leases add column added integer;")
    monkeypatch.setattr(migrating, "LOCK_PAUSE", 0.01)
    with (
        psycopg.connect(empty, application_name="pg_dump") as dump,
        psycopg.connect(empty, options="-c statement_timeout=20s") as reader,
        ThreadPoolExecutor(1) as pool,
        capture_logs() as logged,
    ):
        dump.execute("lock table leases in access share mode")
        migration = pool.submit(migrate, connection, 8, files)
        try:
            is_queued = "select exists (select from pg_locks where not granted and relation = 'leases'::regclass)"
            while reader.execute(is_queued).fetchone() != (True,):
                reader.rollback()
            reader.execute("select from leases limit 1").fetchall()
            while not logged:
                time.sleep(0.01)
        finally:
            pid = dump.info.backend_pid
            reader.rollback()
            dump.rollback()
        assert ["9999_last.sql"] == migration.result(60)
    waited = [each for each in logged if each["event"] == "migrations wait for a session that has locked a table"]
    assert [(pid, "pg_dump")] == [(each["pid"], each["application_name"]) for each in waited]
