"""A database is prepared only where it is ours to prepare, and the first admin's password is not lost."""

import io
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path
from threading import Timer
from typing import Any

import psycopg
import pytest
from psycopg import Connection, sql
from psycopg.conninfo import make_conninfo

from adapters.postgres import schema_check
from adapters.postgres.embedded import Server
from adapters.postgres.migrate import LOCK, MIGRATIONS, migrate
from adapters.postgres.schema_check import tables_of
from adapters.processes import prepare as preparing
from adapters.processes.prepare import NotPrepared, prepare, wait_until_prepared
from adapters.settings import Settings
from projections.views import generations
from projections.views.generations import NamesInUse
from projections.views.registry import VIEWS
from tests import databases

SETTINGS = Settings(argon2_memory=64, partitions=4)

OURS = sorted(
    {"migrations", *(name for file in MIGRATIONS.glob("*.sql") for name in tables_of(file.read_text()))}
    | {name for view in VIEWS.latest.values() for name in view.tables}
)


@pytest.fixture
def empty(server: Server) -> Iterator[str]:
    with databases.copied(server.url, "template1") as url:
        yield url


@pytest.fixture
def session(empty: str) -> Iterator[Connection[Any]]:
    with psycopg.connect(empty, autocommit=True) as session:
        yield session


def prepared(url: str, folder: Path, settings: Settings = SETTINGS) -> str:
    """What it shows."""
    out = io.StringIO()
    prepare(settings, folder, url, out=out)
    return out.getvalue()


def refused(url: str, folder: Path) -> str:
    with pytest.raises(NotPrepared) as error:
        prepared(url, folder)
    return str(error.value)


def objects(session: Connection[Any]) -> list[Any]:
    return session.execute(
        "select relname, relkind, relfilenode from pg_class where relnamespace = 'public'::regnamespace order by 1"
    ).fetchall()


def test_the_tables_that_must_not_be_there_are_all_that_are_made(
    empty: str, session: Connection[Any], tmp_path: Path
) -> None:
    prepared(empty, tmp_path)
    made = {name for name, kind, _ in objects(session) if kind in "rvpS"}
    assert made == {*OURS, *(f"{name}_g1" for view in VIEWS.latest.values() for name in view.tables)}


@pytest.mark.parametrize("name", [*OURS, "measurements_g1"])
@pytest.mark.parametrize("kind", ["table", "view", "type"])
def test_preparing_refuses_a_database_with_a_foreign_object_of_our_name_and_leaves_it_unchanged(
    empty: str, session: Connection[Any], tmp_path: Path, name: str, kind: str
) -> None:
    made = {"table": "create table {} (id int, migration text)", "view": "create view {} as select 1 as id"}
    session.execute(sql.SQL(made.get(kind, "create type {} as enum ('a')")).format(sql.Identifier(name)))
    before = objects(session)
    assert f"the database already has {name}, made by something else" in refused(empty, tmp_path)
    assert before == objects(session)


def test_the_view_of_somebody_else_is_not_replaced_where_a_view_of_ours_is_new(
    empty: str, session: Connection[Any], tmp_path: Path
) -> None:
    prepared(empty, tmp_path)
    session.execute("drop view audit_trail, audit_subjects, audit_children")
    session.execute("drop table audit_trail_g1, audit_subjects_g1, audit_children_g1")
    session.execute("delete from views where view = 'audit_trail'")
    session.execute("create view audit_trail as select 1 as id")
    assert "the database already has audit_trail," in refused(empty, tmp_path)
    assert [(1,)] == session.execute("table audit_trail").fetchall()


@pytest.mark.parametrize("kind", ["view", "table"])
def test_a_switch_does_not_replace_what_is_not_ours(
    empty: str, session: Connection[Any], tmp_path: Path, kind: str
) -> None:
    prepared(empty, tmp_path)
    session.execute(f"drop view days; create {kind} days as select 1 as id".encode())
    with session.cursor() as cursor, pytest.raises(NamesInUse, match="days"):
        generations.go_live(cursor, VIEWS.latest["outcomes"], 1)
    assert [(1,)] == session.execute("table days").fetchall()


BREAKS = {
    "a table": ("drop table dedupe_index", "dedupe_index is missing"),
    "tables": ("drop table workers, groups", "groups, workers are missing"),
    "a view": ("drop view days", "days is missing"),
    "the table of a view": ("drop table measurements_g1 cascade", "measurements, measurements_g1 are missing"),
    "a key": (
        "alter table events drop constraint events_part_seq_key",
        "events is missing in the database, or without",
    ),
    "partitions": ("delete from heads where part = 1", "the table heads has not one row for each partition"),
    "all rows": ("truncate migrations", "the database already has migrations"),
    "what views there are": ("truncate views", "audit_trail, audit_trail_g1, days"),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_restore_that_was_not_whole_is_recognised(
    empty: str, session: Connection[Any], tmp_path: Path, name: str
) -> None:
    prepared(empty, tmp_path)
    statement, expected = BREAKS[name]
    session.execute(statement.encode())
    before = objects(session)
    assert expected in refused(empty, tmp_path)
    assert before == objects(session)


def test_partitions_are_not_made_anew_for_a_log_that_is_there(
    empty: str, session: Connection[Any], tmp_path: Path
) -> None:
    prepared(empty, tmp_path)
    session.execute("truncate heads")
    assert "the table heads has not one row for each partition" in refused(empty, tmp_path)


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_a_database_of_another_encoding_is_refused(server: Server, tmp_path: Path, encoding: str) -> None:
    name = f"encoded_{encoding.lower()}"
    with psycopg.connect(server.url, autocommit=True) as session:
        session.execute(f"create database {name} template template0 encoding '{encoding}' locale 'C'")
        try:
            url = make_conninfo(server.url, dbname=name)
            assert f"the database {name} has the encoding {encoding} instead of UTF8" in refused(url, tmp_path)
        finally:
            session.execute(f"drop database {name} with (force)")


def test_preparing_refuses_to_create_a_second_log_where_another_schema_has_one(
    empty: str, session: Connection[Any], tmp_path: Path
) -> None:
    session.execute("create schema tenant")
    with psycopg.connect(empty, options="-c search_path=tenant") as connection:
        migrate(connection, 4)
    assert "there is a log in the schema tenant" in refused(empty, tmp_path)
    assert [] == objects(session)
    for name in [name for name, kind, _ in _of_schema(session, "tenant") if kind in "rv"]:
        session.execute(f"alter table tenant.{name} set schema public")
    prepared(empty, tmp_path)


def test_another_log_in_the_database_is_no_hindrance_unless_the_search_path_names_it(
    empty: str, session: Connection[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as unchecked:
        unchecked.setattr(schema_check, "check_schema", lambda *_: None)
        prepared(empty, tmp_path)
        session.execute("alter schema public rename to tenant; create schema public")
        prepared(empty, tmp_path)
    assert "" == prepared(empty, tmp_path)
    named = make_conninfo(empty, options="-c search_path=tenant")
    assert "there is a log in the schema tenant" in refused(named, tmp_path)


def _of_schema(session: Connection[Any], schema: str) -> list[Any]:
    asked = "select relname, relkind, relfilenode from pg_class where relnamespace = %s::regnamespace"
    return session.execute(asked, [schema]).fetchall()


def make_read_only(session: Connection[Any]) -> None:
    database = sql.Identifier(session.info.dbname)
    session.execute(sql.SQL("alter database {} set default_transaction_read_only = on").format(database))


def test_preparing_reports_a_read_only_database(empty: str, session: Connection[Any], tmp_path: Path) -> None:
    make_read_only(session)
    assert "PostgreSQL takes no writes" in refused(empty, tmp_path)


def test_a_database_that_takes_no_writes_is_no_hindrance_where_nothing_is_left_to_do(
    empty: str, session: Connection[Any], tmp_path: Path
) -> None:
    prepared(empty, tmp_path)
    make_read_only(session)
    assert "" == prepared(empty, tmp_path)


class Full(io.StringIO):
    def flush(self) -> None:
        raise OSError(28, "No space left on device")


def closed() -> io.StringIO:
    out = io.StringIO()
    out.close()
    return out


@pytest.mark.parametrize("output", [Full, closed])
def test_a_password_that_could_not_be_shown_is_not_lost(
    empty: str, session: Connection[Any], tmp_path: Path, output: Callable[[], io.StringIO]
) -> None:
    with pytest.raises(NotPrepared, match="GROWTHRINGS_ADMIN_PASSWORD"):
        prepare(SETTINGS, tmp_path, empty, out=output())
    assert [] == session.execute("table users").fetchall()
    assert "The first admin is 'admin' with password" in prepared(empty, tmp_path)
    assert [("admin",)] == session.execute("select username from users").fetchall()


def test_a_pipe_that_nobody_reads_holds_up_the_first_admin_for_a_limited_time(
    empty: str, session: Connection[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparing, "SHOW_TIMEOUT", 0.1)
    source, sink = os.pipe()
    os.set_blocking(sink, False)
    with suppress(BlockingIOError):
        while True:
            os.write(sink, bytes(4096))
    os.set_blocking(sink, True)
    late = Timer(60, os.read, (source, 8192))
    late.start()
    try:
        with open(sink, "w") as out, pytest.raises(NotPrepared, match="that nobody has read"):
            prepare(SETTINGS, tmp_path, empty, out=out)
    finally:
        late.cancel()
        os.close(source)
    assert [] == session.execute("table users").fetchall()


def test_of_several_that_prepare_at_once_one_shows_a_password(
    empty: str, session: Connection[Any], tmp_path: Path
) -> None:
    with ThreadPoolExecutor(4) as threads:
        shown = list(threads.map(lambda _: prepared(empty, tmp_path), range(4)))
    assert ["", "", ""] == sorted(shown)[:3]
    assert "The first admin is 'admin'" in sorted(shown)[3]
    assert [("admin",)] == session.execute("select username from users").fetchall()


def test_a_process_waits_for_a_migration_for_as_long_as_it_takes(
    empty: str, session: Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparing, "PREPARE_TIME", 0.0)
    session.execute("select pg_advisory_lock(%s)", [LOCK])
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(wait_until_prepared, empty)
        assert not wait([waiting], timeout=0.5).done
        migrate(session, SETTINGS.partitions)
        session.execute("select pg_advisory_unlock_all()")
        waiting.result(timeout=60)


def test_a_schema_that_nobody_makes_is_not_waited_for(empty: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparing, "PREPARE_TIME", 0.0)
    with pytest.raises(NotPrepared, match="run growthrings prepare"):
        wait_until_prepared(empty)
