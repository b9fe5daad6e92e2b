"""A schema of another version is reported as newer or older, with the command to run."""

import shutil
from pathlib import Path

import psycopg
import pytest

from adapters.postgres.migrate import MIGRATIONS, migrate, schema
from adapters.postgres.schema_check import MigrationRefused
from adapters.postgres.schema_version import schema_of
from adapters.processes import prepare
from adapters.processes.prepare import NotPrepared, wait_until_prepared

KNOWN = {"0001_log.sql", "0002_views.sql", "0003_more.sql"}


@pytest.mark.parametrize(
    ("applied", "is_current", "what"),
    [
        (KNOWN, True, "at 0003, as this version needs"),
        (KNOWN - {"0003_more.sql"}, False, "the schema is at 0002, this version needs 0003: run growthrings prepare"),
        (KNOWN | {"0004_new.sql"}, False, "the schema is at 0004, this version knows 0003: run the newer version"),
        (set(), False, "there is no schema: run growthrings prepare"),
    ],
)
def test_the_schema_status_names_its_version_and_the_command_to_run(
    applied: set[str], is_current: bool, what: str
) -> None:
    stands = schema_of(applied, KNOWN)
    assert (is_current, what) == (stands.is_current, stands.what)


def test_an_older_version_neither_changes_a_newer_schema_nor_starts_on_it(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = Path(shutil.copytree(MIGRATIONS, tmp_path / "migrations"))
    (newer / "9999_last.sql").write_text("create table newer ();")
    with psycopg.connect(database) as connection:
        assert ["9999_last.sql"] == migrate(connection, 8, newer)
        with pytest.raises(MigrationRefused, match=r"at 9999, this version knows .*: run the newer version"):
            migrate(connection, 8)
    with pytest.raises(NotPrepared, match="the schema is at 9999"):
        wait_until_prepared(database)


def test_a_start_on_an_older_schema_says_what_to_run(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepare, "PREPARE_TIME", 0.0)
    with psycopg.connect(database) as connection:
        last = max(file.name for file in MIGRATIONS.glob("*.sql"))
        connection.execute("delete from migrations where name = %s", [last])
        assert not schema(connection).is_newer
    with pytest.raises(NotPrepared, match=r"this version needs .*: run growthrings prepare"):
        wait_until_prepared(database)
