"""A log goes out as a file and into another log, with another number of partitions, and what is kept beside that is the
same."""

import csv
import io
import json
import stat
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from adapters.cli import replay
from adapters.cli.export import COLUMNS, Selection, export
from adapters.cli.import_log import import_log
from adapters.errors import CommandFailed
from adapters.postgres.connections import connector
from application.command import Actor
from domain.catalogue import decode
from domain.dedupe import Held
from domain.secret import BLANK
from projections.inline.dedupe_index import changes
from projections.rebuild.inline_views import INLINE
from projections.views.registry import VIEWS
from tests.adapters.commanding import commanding
from tests.adapters.workload import Workload
from tests.adapters.world import World, settle_in
from tests.conftest import PARTITIONS

EVERYTHING = Selection()

OTHER = 3
"""Partitions of the log that the export is brought into."""


@pytest.fixture(scope="module")
def log(new_database: Callable[..., str]) -> str:
    """The address of a log of random commands."""
    database = new_database()
    world: World = settle_in(connector(database))
    workload = Workload(world, seed=3)
    for _ in range(150):
        workload.run_group()
    workload.leave_something()
    world.log.close()
    return database


def exported(log: str, selection: Selection = EVERYTHING, **how: Any) -> str:
    out = io.StringIO()
    export(log, selection, format=how.pop("format", "ndjson"), out=out, **how)
    return out.getvalue()


def lines(log: str, selection: Selection = EVERYTHING) -> list[dict[str, Any]]:
    """Of the events, without the last line."""
    return [json.loads(line) for line in exported(log, selection).splitlines()[:-1]]


def rows(database: str, table: str) -> list[Any]:
    """Without the column that says which partition a row is of."""
    with psycopg.connect(database) as connection:
        statement = sql.SQL("select to_jsonb(t) - 'part' - 'seq' from {} t").format(sql.Identifier(table))
        return sorted(json.dumps(row, sort_keys=True) for (row,) in connection.execute(statement))


@pytest.fixture(scope="module")
def brought(log: str, new_database: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a log that an export was brought into."""
    folder = tmp_path_factory.mktemp("export")
    file, credentials = folder / "log.ndjson", folder / "credentials.ndjson"
    file.write_text(exported(log, credentials=credentials))
    database = new_database(partitions=OTHER)
    import_log(database, file, partitions=OTHER, credentials=credentials)
    return database


def test_all_events_go_out_in_the_order_in_which_they_were_recorded(log: str) -> None:
    found = lines(log)
    with psycopg.connect(log) as connection:
        stored = connection.execute("select part, seq, originator_id, originator_version, topic from events").fetchall()
    told = [(*map(int, line["position"].split("-")), line["stream"], line["version"], line["event"]) for line in found]
    assert sorted(stored) == sorted(told)
    times = [line["state"]["origin"]["recorded_at"] for line in found]
    assert sorted(times) == times


def test_events_imported_into_a_log_with_another_number_of_partitions_are_unchanged(log: str, brought: str) -> None:
    with psycopg.connect(brought) as connection:
        assert [(part,) for part in range(OTHER)] == connection.execute("select part from heads order by 1").fetchall()
    assert OTHER != PARTITIONS
    states = "select originator_id, originator_version, topic, state from events order by 1, 2"
    with psycopg.connect(log) as one, psycopg.connect(brought) as other:
        assert one.execute(states).fetchall() == other.execute(states).fetchall()


def test_views_and_inline_projections_of_an_imported_log_equal_those_of_its_source(log: str, brought: str) -> None:
    for view in INLINE.values():
        for table in view.tables:
            assert rows(log, table) == rows(brought, table), table
    assert 0 == replay.check_log(brought, as_json=True, compares=True)
    assert all(rows(brought, table) for view in VIEWS.latest.values() for table in view.tables)


def test_an_imported_log_accepts_further_commands(log: str, brought: str) -> None:
    with psycopg.connect(brought) as connection:
        held = {
            change.key.digest
            for topic, state in connection.execute("select topic, state from events")
            for change in changes(decode(topic, state))
            if isinstance(change, Held)
        }
        assert {key for (key,) in connection.execute("select key from dedupe_index")} <= held


def test_no_export_shows_a_password_hash(log: str, tmp_path: Path) -> None:
    for format in ("ndjson", "csv"):
        shown = exported(log, format=format)
        assert '"hash"' not in shown
        assert "second" not in shown
    credentials = tmp_path / "credentials"
    exported(log, credentials=credentials)
    assert '"password_hash":"hash"' in credentials.read_text()
    assert 0o600 == stat.S_IMODE(credentials.stat().st_mode)
    with pytest.raises(FileExistsError):
        exported(log, credentials=credentials)


def test_without_the_credentials_nobody_can_log_in_and_all_else_is_there(
    log: str, new_database: Callable[..., str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "log.ndjson"
    file.write_text(exported(log))
    database = new_database(partitions=OTHER)
    capsys.readouterr()
    import_log(database, file, partitions=OTHER)
    assert "passwords were not among the credentials" in capsys.readouterr().out
    with psycopg.connect(database) as connection:
        assert {(BLANK,)} == set(connection.execute("select password_hash from users").fetchall())
    assert rows(log, "dedupe_index") == rows(database, "dedupe_index")


def test_a_part_of_the_log_goes_out_by_time_and_by_whom_it_is_about(log: str) -> None:
    whole = lines(log)
    subject = next(line["state"]["child_id"] for line in whole if line["event"] == "measurement.recorded.v1")
    about = lines(log, Selection(subject=subject))
    assert about
    # A group or a family that loses the child does not name it any more.
    losses = ("group.revised.v1", "group.disbanded.v1", "user.removed.v1")
    assert all(subject in json.dumps(line) or line["event"] in losses for line in about)
    middle = decode(whole[100]["event"], json.dumps(whole[100]["state"]).encode()).origin.recorded_at
    first, rest = lines(log, Selection(end=middle)), lines(log, Selection(start=middle))
    assert whole == first + rest
    assert whole[100] in rest
    assert [] == lines(log, Selection(start=middle, end=middle - timedelta(seconds=1)))


def test_an_export_about_a_child_holds_the_events_of_its_groups_from_the_time_on(database: str, world: World) -> None:
    child, other = world.children(2)
    owner = Actor(world.id(world.register("educator")), "educator", frozenset())
    group_id = world.id(world.group(owner, "group", [child]))
    world.run(world.revise(owner, group_id, children=(other,)), world.disband(owner, group_id))
    about = lines(database, Selection(subject=child))
    assert ["user.registered.v1", "group.formed.v1", "group.revised.v1"] == [line["event"] for line in about]
    revised = decode(about[-1]["event"], json.dumps(about[-1]["state"]).encode()).origin.recorded_at
    from_then = lines(database, Selection(subject=child, start=revised))
    assert about[-1] in from_then
    assert from_then == [line for line in about if line["state"]["origin"]["recorded_at"] >= revised.isoformat()[:26]]


def test_an_export_about_nobody_fails_and_says_what_to_check(
    log: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    run = commanding(log, monkeypatch, capfd)
    known = json.loads(exported(log).splitlines()[0])["state"]["user_id"]
    assert 0 == run("export", "--subject", known).code
    for words in (["--subject", "0" * 24], ["--subject", known, "--to", "2001-01-01"]):
        ended = run("export", *words)
        assert 1 == ended.code
        assert f"no event about '{words[1]}'" in ended.err
        assert "--from and --to" in ended.err


def test_as_csv_every_event_has_a_row_with_all_columns(log: str) -> None:
    heading, *found = list(csv.reader(io.StringIO(exported(log, format="csv"))))
    assert list(COLUMNS) == heading
    assert len(lines(log)) == len(found)
    assert {len(COLUMNS)} == {len(row) for row in found}
    assert all(json.loads(row[-1]) for row in found)


def test_a_log_that_is_not_empty_takes_nothing_in(log: str, tmp_path: Path) -> None:
    file = tmp_path / "log.ndjson"
    file.write_text(exported(log))
    with pytest.raises(CommandFailed, match="not empty"):
        import_log(log, file, partitions=PARTITIONS)


@pytest.mark.parametrize(
    "bad", ["{", '{"position":"0-1"}', '{"position":"0-1","stream":"a/b","version":1,"event":"x.v1","state":{}}']
)
def test_a_file_that_is_no_export_leaves_the_log_empty(
    log: str, new_database: Callable[..., str], tmp_path: Path, bad: str
) -> None:
    file = tmp_path / "log.ndjson"
    *events, end = exported(log).splitlines(keepends=True)
    file.write_text("".join([*events, bad + "\n", end]))
    database = new_database(partitions=OTHER)
    with pytest.raises(CommandFailed, match=f"line {len(lines(log)) + 1} is no event"):
        import_log(database, file, partitions=OTHER)
    with psycopg.connect(database) as connection:
        assert [(0,)] == connection.execute("select count(*) from events").fetchall()
