"""An upgrade makes the rollups right that sessions of another time zone have made of the wrong hours."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Connection, Cursor, sql

from adapters.postgres.embedded import Server
from adapters.postgres.migrate import MIGRATIONS, migrate
from domain.event import Event
from domain.partition import stream
from projections.views import outcomes
from projections.views.outcomes import OutcomesV1
from projections.views.view import PositionedEvent, tables_of
from tests import databases
from tests.adapters.older import serve_as_before
from tests.examples import entry_recorded, measurement_removed, weight_recorded

MEND = "0005_days_of_utc.sql"
CHILD = "5a62be07d6f33400146c9b61"
START = datetime(2026, 6, 1, tzinfo=UTC)
VIEW = OutcomesV1()
"""That there was then."""

TABLES = tables_of(VIEW, 1)


@pytest.fixture
def before(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection[Any]]:
    """A session on a database as it was before the mend, with the statement that there was then."""
    files = Path(shutil.copytree(MIGRATIONS, tmp_path / "migrations"))
    (files / MEND).unlink()
    roll_up = outcomes.SQL_V1["roll_up"].replace("::timestamp at time zone", " at time zone")
    assert roll_up != outcomes.SQL_V1["roll_up"]
    monkeypatch.setitem(outcomes.SQL_V1, "roll_up", roll_up)
    with databases.copied(server.url, "template1") as url, psycopg.connect(url) as connection:
        migrate(connection, 2, files)
        serve_as_before(connection, VIEW)
        yield connection


def fill(cursor: Cursor[Any], zone: str) -> None:
    """Entries at all hours of ten days, and weights, of which one is removed again."""
    cursor.execute("select set_config('timezone', %s, false)", [zone])
    for start in range(0, 80, 20):
        page: list[Event] = []
        for number in range(start, start + 20):
            at, id = START + timedelta(hours=3 * number), f"{number:024x}"
            told = {"subject_id": CHILD, "happened_at": at, "value": f"{number}.50"}
            page.append(entry_recorded(originator_id=stream(CHILD, id), entry_id=id, **told))
            own: dict[str, Any] = {"originator_id": stream(CHILD, f"m{id}"), "child_id": CHILD}
            page.append(weight_recorded(**own, happened_at=at, value=30.0 + number))
        page.append(measurement_removed(**own))
        VIEW.write(cursor, TABLES, [PositionedEvent(1, seq, event) for seq, event in enumerate(page, 1)])


def rows(cursor: Cursor[Any], statement: sql.Composable) -> list[str]:
    return sorted(row for (row,) in cursor.execute(sql.SQL("select t::text from ({}) t").format(statement)))


def stored(cursor: Cursor[Any], table: str) -> list[str]:
    return rows(cursor, sql.SQL("table {}").format(TABLES[table]))


def wrong(cursor: Cursor[Any]) -> set[str]:
    """The rollups that are not what the values, or the rollups below them, amount to."""
    return {
        table
        for table, statement in VIEW.derived.items()
        if rows(cursor, sql.SQL(statement).format(**TABLES)) != stored(cursor, table)
    }


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York"])
def test_an_upgrade_mends_rollups_made_in_another_time_zone(before: Connection[Any], zone: str) -> None:
    with before.cursor() as cursor:
        fill(cursor, zone)
        assert "subject_days" in wrong(cursor)
        values = stored(cursor, "entries")
        before.commit()
        assert [MEND] == migrate(before, 2)
        assert set() == wrong(cursor)
        assert values == stored(cursor, "entries")


def test_an_upgrade_leaves_right_rollups_as_they_are(before: Connection[Any]) -> None:
    with before.cursor() as cursor:
        fill(cursor, "UTC")
        assert set() == wrong(cursor)
        placed = [sql.SQL("select ctid, xmin, t.* from {} t").format(TABLES[table]) for table in VIEW.tables]
        found = [rows(cursor, each) for each in placed]
        before.commit()
        assert [MEND] == migrate(before, 2)
        assert found == [rows(cursor, each) for each in placed]


def test_an_upgrade_leaves_a_generation_to_the_rebuild_that_grows_it(before: Connection[Any]) -> None:
    with before.cursor() as cursor:
        fill(cursor, "Europe/Berlin")
        cursor.execute("update views set grown = false where view = 'outcomes'")
        found = [stored(cursor, table) for table in VIEW.tables]
        before.commit()
        migrate(before, 2)
        assert found == [stored(cursor, table) for table in VIEW.tables]
