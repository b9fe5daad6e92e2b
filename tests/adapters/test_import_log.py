"""What an import refuses: every file that is not the export of a whole log, as it was written."""

import io
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from adapters.auth.own_keys import OwnKeys, key_source
from adapters.cli import export_file, replay
from adapters.cli import import_log as import_log_command
from adapters.cli.export import Selection, export
from adapters.cli.import_log import import_log
from adapters.cli.main import main
from adapters.errors import CommandFailed
from adapters.postgres import embedded
from adapters.postgres.connections import connector
from adapters.processes.prepare import NotPrepared, prepare, wait_until_prepared
from adapters.settings import Settings
from domain.catalogue import decode
from projections.rebuild.inline_views import missing_inline_views
from projections.verification import replay as verification
from tests import databases
from tests.adapters.workload import Workload
from tests.adapters.world import settle_in

PARTITIONS = 3

Lines = list[bytes]


EVERYTHING = Selection()


def exported(log: str, selection: Selection = EVERYTHING) -> Lines:
    out = io.StringIO()
    export(log, selection, format="ndjson", out=out)
    return out.getvalue().encode().splitlines(keepends=True)


@pytest.fixture(scope="module")
def log(new_database: Callable[..., str]) -> str:
    """The address of a log of random commands."""
    database = new_database()
    world = settle_in(connector(database))
    workload = Workload(world, seed=11)
    for _ in range(60):
        workload.run_group()
    workload.leave_something()
    world.log.close()
    return database


@pytest.fixture(scope="module")
def whole(log: str) -> Lines:
    """The lines of its export."""
    return exported(log)


@pytest.fixture
def empty(server: embedded.Server, template: Callable[[int], str]) -> Iterator[str]:
    with databases.copied(server.url, template(PARTITIONS)) as url:
        yield url


def brought(database: str, path: Path, lines: Lines, **how: Any) -> int:
    path.write_bytes(b"".join(lines))
    return import_log(database, path, partitions=PARTITIONS, **how)


def sealed(events: Lines) -> Lines:
    """With a last line that fits, as somebody writes it who knows how."""
    end = {"events": len(events), "sha256": sha256(b"".join(events)).hexdigest()}
    return [*events, json.dumps(end, separators=(",", ":")).encode() + b"\n"]


def changed(line: bytes, change: Callable[[dict[str, Any]], object]) -> bytes:
    members = json.loads(line)
    change(members)
    return json.dumps(members, separators=(",", ":")).encode() + b"\n"


def recorded_at(line: bytes, time: datetime) -> bytes:
    return changed(line, lambda it: it["state"]["origin"].update(recorded_at=time.isoformat()))


def repositioned(lines: Lines) -> Lines:
    """With positions as if nothing were missing, nor anything out of its order."""
    seqs: dict[str, int] = {}
    found = []
    for line in lines:
        part = json.loads(line)["position"].split("-")[0]
        seqs[part] = seqs.get(part, 0) + 1
        found.append(line.replace(b'"position":"', f'"position":"{part}-{seqs[part]}","was":"'.encode(), 1))
    return found


def weight(lines: Lines) -> int:
    """The number of a line with a weight that nothing else speaks of."""
    return next(number for number, line in enumerate(lines) if b'"measurement.recorded.v1"' in line)


def swapped(lines: Lines) -> Lines:
    """Two events of one partition."""
    part = b'{"position":"' + json.loads(lines[0])["position"].split("-")[0].encode() + b"-"
    one, other = [number for number, line in enumerate(lines) if line.startswith(part)][:2]
    lines = list(lines)
    lines[one], lines[other] = lines[other], lines[one]
    return lines


def held_twice(lines: Lines) -> Lines:
    """A weight again, in a stream of its own, as if it had been recorded once more at the end."""
    line = json.loads(lines[weight(lines)])
    part = line["position"].split("-")[0]
    last = sum(each.startswith(f'{{"position":"{part}-'.encode()) for each in lines)
    stream = line["stream"][:-1] + ("0" if line["stream"][-1] != "0" else "1")
    line |= {"position": f"{part}-{last + 1}", "stream": stream}
    line["state"] |= {"originator_id": stream, "measurement_id": stream[25:]}
    line["state"]["origin"]["recorded_at"] = json.loads(lines[-1])["state"]["origin"]["recorded_at"]
    return [*lines, json.dumps(line, separators=(",", ":")).encode() + b"\n"]


def of_other_stream(line: bytes) -> bytes:
    return changed(line, lambda it: it.update(stream=it["stream"][:-1] + "x"))


def with_nul(line: bytes) -> bytes:
    def put(members: dict[str, Any]) -> None:
        members["stream"] = members["state"]["originator_id"] = "\0"

    return changed(line, put)


def other_value(lines: Lines) -> Lines:
    number = weight(lines)
    lines = list(lines)
    lines[number] = lines[number].replace(b'"value":', b'"value":1')
    return lines


def without(lines: Lines, number: int) -> Lines:
    return [*lines[:number], *lines[number + 1 :]]


NEXT_YEAR = datetime.now(UTC) + timedelta(days=368)
NEVER = datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)

DAMAGED: dict[str, tuple[Callable[[Lines, bytes], Lines], str]] = {
    "the first event is missing": (lambda events, end: [*events[1:], end], "line 1 has event .*-2 where .*-1 is due"),
    "an event in the middle is missing": (
        lambda events, end: [*without(events, 20), end],
        "is due: events are missing",
    ),
    "the last event is missing": (
        lambda events, end: [*events[:-1], end],
        "events, and its last line says that there are",
    ),
    "two lines are swapped": (lambda events, end: [*swapped(events), end], "where .* is due|before the line before it"),
    "a line is there twice": (lambda events, end: [*events[:5], events[4], *events[5:], end], "is due"),
    "it was cut after a line": (lambda events, end: events[:40], "the last line, .* is missing"),
    "it was cut after the last event": (lambda events, end: events, "the last line, .* is missing"),
    "it was cut within a line": (lambda events, end: [*events[:40], events[40][:50]], "line 41 has no end"),
    "it was cut within the last line": (lambda events, end: [*events, end[:-10]], "has no end"),
    "it is empty": (lambda events, end: [], "the last line, .* is missing"),
    "something comes after the end": (lambda events, end: [*events, end, events[0]], "comes after the end"),
    "a value was changed": (lambda events, end: [*other_value(events), end], "the events of the file were changed"),
    "a line says another stream": (
        lambda events, end: [of_other_stream(events[0]), *events[1:], end],
        "line 1 says it is event 1 of",
    ),
    "a version does not fit": (
        lambda events, end: [changed(events[0], lambda it: it.update(version=2**40)), *events[1:], end],
        "line 1 says it is event",
    ),
    "an event is more than a year in the future, and the hash fits": (
        lambda events, end: sealed([*events[:-1], recorded_at(events[-1], NEXT_YEAR)]),
        "more than 366 days in the future",
    ),
    "an event is at the end of all times": (
        lambda events, end: sealed([*events[:-1], recorded_at(events[-1], NEVER)]),
        "more than 366 days in the future",
    ),
    "an event in the middle is at the end of all times": (
        lambda events, end: sealed([*events[:9], recorded_at(events[9], NEVER), *events[10:]]),
        "more than 366 days in the future",
    ),
    "events were recorded in another order, and the hash fits": (
        lambda events, end: sealed(repositioned([events[1], events[0], *events[2:]])),
        "before the line before it",
    ),
    "a fact is missing, and the hash fits": (
        lambda events, end: sealed(repositioned(without(events, revised(events)))),
        "the export is damaged",
    ),
    "a key is held twice, and the hash fits": (lambda events, end: sealed(held_twice(events)), "its key is held by"),
    "an event holds what cannot be stored": (
        lambda events, end: sealed(
            [
                changed(events[0], lambda it: (it.update(stream="\0"), it["state"].update(originator_id="\0"))),
                *events[1:],
            ]
        ),
        "hold an event that cannot be stored",
    ),
}


def revised(lines: Lines) -> int:
    """The number of the line with the first event of a stream that has a second one."""
    follower = next(json.loads(line) for line in lines if json.loads(line)["version"] == 2)
    return next(number for number, line in enumerate(lines) if json.loads(line)["stream"] == follower["stream"])


@pytest.mark.parametrize("how", DAMAGED)
def test_a_damaged_export_is_refused_and_leaves_the_log_empty(
    whole: Lines, empty: str, tmp_path: Path, how: str
) -> None:
    damage, message = DAMAGED[how]
    *events, end = whole
    with pytest.raises(CommandFailed, match=message):
        brought(empty, tmp_path / "damaged.ndjson", damage(events, end))
    with psycopg.connect(empty) as connection:
        for table in ("events", "users", "dedupe_index", "imports"):
            assert [(0,)] == connection.execute(f"select count(*) from {table}".encode()).fetchall()
    # The same database takes the whole one.
    if how == "a key is held twice, and the hash fits":
        assert len(events) == brought(empty, tmp_path / "whole.ndjson", whole)


def test_a_line_or_a_page_has_a_limit_in_bytes(
    whole: Lines, empty: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_file, "PAGE_BYTES", 1_000)
    pages = list(export_file.Reader(io.BytesIO(b"".join(whole))).pages())
    assert len(whole) - 1 == sum(map(len, pages))
    assert len(whole) / 10 < len(pages)
    monkeypatch.setattr(export_file, "LINE_LIMIT", 100)
    with pytest.raises(CommandFailed, match="line 1 has more than 100 bytes"):
        brought(empty, tmp_path / "long.ndjson", whole)


def test_a_page_of_an_import_ends_after_a_second_however_slow_the_machine_is(
    whole: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a writer of the same log would take the import for a client that hangs, and terminate its session."""
    seconds = iter(range(1_000_000))
    monkeypatch.setattr(export_file, "time", SimpleNamespace(monotonic=lambda: next(seconds)))
    pages = list(export_file.Reader(io.BytesIO(b"".join(whole))).pages())
    assert len(whole) - 1 == sum(map(len, pages))
    assert 2 == max(map(len, pages))


def test_an_import_checks_few_events_at_once(
    whole: Lines, empty: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[int] = []
    stored_pages = verification.stored_pages

    def counted_pages(*arguments: Any) -> Iterator[Any]:
        for page in stored_pages(*arguments):
            checked.append(len(page))
            yield page

    monkeypatch.setattr(import_log_command, "CHECK_PAGE", 3)
    monkeypatch.setattr(verification, "stored_pages", counted_pages)
    assert len(whole) - 1 == brought(empty, tmp_path / "whole.ndjson", whole) == sum(checked)
    assert 3 == max(checked)


def test_an_export_says_in_its_last_line_how_many_events_it_has_and_their_hash(whole: Lines) -> None:
    assert {"events": len(whole) - 1, "sha256": sha256(b"".join(whole[:-1])).hexdigest()} == json.loads(whole[-1])


def test_an_export_of_a_part_of_the_log_says_so_and_is_not_imported(
    log: str, whole: Lines, empty: str, tmp_path: Path
) -> None:
    subject = json.loads(whole[weight(whole)])["state"]["child_id"]
    start = datetime(2000, 1, 1, tzinfo=UTC)
    for selection, said in (
        (Selection(subject=subject), {"subject": subject}),
        (Selection(start=start), {"from": "2000-01-01T00:00:00Z"}),
    ):
        lines = exported(log, selection)
        assert said.items() <= json.loads(lines[-1]).items()
        with pytest.raises(CommandFailed, match="the export is of a part of the log"):
            brought(empty, tmp_path / "part.ndjson", lines)


def test_an_export_up_to_a_time_is_the_log_as_it_was_then(log: str, whole: Lines, empty: str, tmp_path: Path) -> None:
    middle = json.loads(whole[100])
    end = decode(middle["event"], json.dumps(middle["state"]).encode()).origin.recorded_at
    lines = exported(log, Selection(end=end))
    assert "to" in json.loads(lines[-1])
    assert len(lines) - 1 == brought(empty, tmp_path / "then.ndjson", lines)
    assert 0 == replay.check_log(empty, as_json=True, compares=True)


def test_an_export_without_its_last_line_is_imported_where_that_is_said(
    whole: Lines, empty: str, tmp_path: Path
) -> None:
    assert len(whole) - 1 == brought(empty, tmp_path / "older.ndjson", whole[:-1], needs_end=False)
    assert 0 == replay.check_log(empty, as_json=True, compares=True)


def test_the_log_of_a_clock_that_was_two_days_ahead_is_imported_and_sound(
    whole: Lines, empty: str, tmp_path: Path
) -> None:
    *events, _ = whole
    ahead = datetime.now(UTC) + timedelta(days=2)
    early, late = events[:-5], events[-5:]
    lines = [recorded_at(line, ahead + timedelta(seconds=place)) for place, line in enumerate(late)]
    assert len(events) == brought(empty, tmp_path / "ahead.ndjson", sealed([*early, *lines]))
    assert 0 == replay.check_log(empty, as_json=True, compares=True)


def test_an_import_that_has_ended_is_not_done_again(
    whole: Lines, empty: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "log.ndjson"
    count = brought(empty, path, whole)
    generations = "select view, generation, live from views order by 1, 2"
    with psycopg.connect(empty) as connection:
        before = connection.execute(generations).fetchall()
    capsys.readouterr()
    assert count == import_log(empty, path, partitions=PARTITIONS)
    assert f"The {count} events of this export are in the log already." in capsys.readouterr().out
    with psycopg.connect(empty) as connection:
        assert before == connection.execute(generations).fetchall()
    with pytest.raises(CommandFailed, match="the log is not empty"):
        brought(empty, path, sealed(whole[:-2]))


def test_a_file_of_credentials_that_is_damaged_is_refused(whole: Lines, empty: str, tmp_path: Path) -> None:
    credentials = tmp_path / "credentials"
    credentials.write_text('{"stream":"a","version":1,"password_hash":"x"}\n{"str')
    with pytest.raises(CommandFailed, match="line 2 is no credential"):
        brought(empty, tmp_path / "log.ndjson", whole, credentials=credentials)


@pytest.fixture
def half_imported(whole: Lines, empty: str, tmp_path: Path) -> str:
    """As an older version has left it that was killed after it had stored the log."""
    brought(empty, tmp_path / "log.ndjson", whole)
    with psycopg.connect(empty) as connection:
        connection.execute("truncate dedupe_index, users, institutions, groups, ties, outcomes, imports")
    return empty


def test_no_command_is_decided_while_the_inline_projections_of_the_log_are_missing(
    half_imported: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused() -> str:
        with pytest.raises(NotPrepared) as error:
            prepare(Settings(), tmp_path, half_imported)
        with pytest.raises(NotPrepared, match=r"by which commands are decided") as other:
            wait_until_prepared(half_imported, for_commands=True)
        assert str(error.value) == str(other.value)
        return str(error.value).partition("run `growthrings ")[2].partition("`")[0]

    OwnKeys(key_source(Settings(), tmp_path))
    assert "views rebuild --without-comparison dedupe_index directory" == refused()
    monkeypatch.setenv("DATABASE_URL", half_imported)
    for command in ("api", "project", "prepare"):
        assert 1 == main([command, "--data", str(tmp_path)])
        assert "dedupe_index and directory, by which commands are decided, hold nothing" in capsys.readouterr().err
    assert 0 == main(["views", "rebuild", "--without-comparison", "directory"])
    words = refused()
    assert "views rebuild --without-comparison dedupe_index" == words
    assert 0 == main(words.split())
    wait_until_prepared(half_imported, for_commands=True)
    prepare(Settings(), tmp_path, half_imported)
    assert 0 == replay.check_log(half_imported, as_json=True, compares=True)


def test_a_log_whose_users_have_all_been_removed_needs_no_directory(half_imported: str) -> None:
    with psycopg.connect(half_imported) as connection:
        assert ["dedupe_index", "directory"] == missing_inline_views(connection)
        connection.execute(
            "delete from events e where not exists"
            " (select from events r where r.originator_id = e.originator_id and r.topic like 'user.removed.%')"
        )
        assert [] == missing_inline_views(connection)
        assert connection.execute("select from events").rowcount
