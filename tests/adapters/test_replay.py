"""A replay finds no fault in an intact log, shows past states, and rebuilds views as of a time."""

import argparse
import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg.sql import Identifier

from adapters.cli import replay as replay_command
from adapters.postgres import embedded
from domain.catalogue import EVENTS, OLDER, latest_name
from domain.measurement import MeasurementRemoved
from domain.partition import KEY_LENGTH
from projections.verification import replay
from tests.adapters.rebuilding import EVERYTHING, Copy, each_view, filled
from tests.adapters.replaying import flip, located, one, replayed
from tests.adapters.workload import Workload
from tests.running.processes import run_briefly


@pytest.fixture
def copy(server: embedded.Server, new_database: Callable[..., str]) -> Iterator[Copy]:
    with filled(server.url, new_database).copy() as copy:
        yield copy


def revise(copy: Copy) -> None:
    """Let a body fat be revised: the one event that commands at random may leave out."""
    world = copy.world
    (child,) = world.children(1)
    world.id(world.remove(child, world.id(world.weights(child, [0], body_fat=20.0))))
    world.id(world.weights(child, [0], body_fat=21.0))
    copy.catch_up()


# Whole


def test_a_replay_of_an_undamaged_log_finds_nothing(copy: Copy, capsys: pytest.CaptureFixture[str]) -> None:
    revise(copy)
    found, events = replayed(copy, capsys), located(copy)
    assert (0, []) == (found.code, found.told["findings"])
    assert len(events) == found.told["events"]
    assert len({each.event.originator_id for each in events}) == found.told["streams"]
    assert dict(Counter(each.event.stored_name for each in events)) == found.told["names"]
    assert set(EVENTS) == set(found.told["names"])
    assert sorted(EVERYTHING) == sorted(found.told["compared"])
    alone = replayed(copy, capsys, compares=False)
    assert (0, []) == (alone.code, alone.told["compared"])


def test_a_replay_of_events_of_older_versions_finds_nothing(copy: Copy, capsys: pytest.CaptureFixture[str]) -> None:
    """Half of the removals as they were stored once."""
    rows = {name: copy.rows(name) for name in EVERYTHING}
    copy.ask(
        """
        update events
        set topic = 'measurement.removed.v1',
            state = convert_to((convert_from(state, 'UTF8')::jsonb - 'institution_id')::text, 'UTF8')
        where topic = 'measurement.removed.v2' and mod(seq, 2) = 0
        """
    )
    found = replayed(copy, capsys)
    assert (0, []) == (found.code, found.told["findings"])
    assert {*OLDER, *map(latest_name, OLDER)} <= set(found.told["names"])
    for name in EVERYTHING:
        assert 0 == copy.rebuild(name)
    assert rows == {name: copy.rows(name) for name in EVERYTHING}


# One history


def history(copy: Copy, capsys: pytest.CaptureFixture[str], id: str, **times: Any) -> list[dict[str, Any]]:
    asked = {"as_of": None, "known_at": None} | times
    capsys.readouterr()
    assert 0 == replay_command.show_history(copy.url, id, as_json=True, **asked)
    facts: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return facts


def test_a_replay_shows_one_history_event_by_event_as_of_a_time(copy: Copy, capsys: pytest.CaptureFixture[str]) -> None:
    events = located(copy)
    removed = next(
        each for each in events if isinstance(each.event, MeasurementRemoved) and each.event.originator_version > 1
    ).event
    stream, id = removed.originator_id, removed.originator_id[KEY_LENGTH + 1 :]
    of_it = [each for each in events if each.event.originator_id == stream]
    everything = history(copy, capsys, id)
    told = [
        fact for fact in everything if fact["event"]["originator_id"] == stream
    ]  # the child may have been removed later
    assert [(each.part, each.seq) for each in of_it] == [(fact["part"], fact["seq"]) for fact in told]
    assert [True] * (len(told) - 1) + [False] == [fact["state"] is not None for fact in told]
    assert told == everything[: len(told)]
    assert everything == history(copy, capsys, stream)
    assert told == history(copy, capsys, id, known_at=removed.origin.recorded_at, as_of=removed.happened_at)
    before = {"recorded_at": of_it[0].event.origin.recorded_at, "happened_at": of_it[0].event.happened_at}
    known = [each for each in of_it if each.event.origin.recorded_at <= before["recorded_at"]]
    assert told[: len(known)] == history(copy, capsys, id, known_at=before["recorded_at"])
    happened = [each for each in of_it if each.event.happened_at <= before["happened_at"]]
    assert told[: len(happened)] == history(copy, capsys, id, as_of=before["happened_at"])
    assert 0 < len(happened) < len(told)
    capsys.readouterr()
    assert 0 == replay_command.show_history(copy.url, id, as_of=None, known_at=None, as_json=False)
    table = capsys.readouterr().out
    assert all(each.position in table for each in of_it)


# A view as it was


@each_view
def test_a_replay_rebuilds_a_view_as_it_was_at_a_time(
    copy: Copy, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):  # a second replay takes the place of the first
        rows, serving = copy.rows(name), copy.serving(name)
        ((then,),) = copy.ask("select clock_timestamp()")
        workload = Workload(copy.world, seed=9)
        for _ in range(30):
            workload.run_group()
        assert 0 == replay_command.build_into(copy.url, name, known_at=then)
        assert rows == replayed_rows(copy, name)
        assert serving == copy.serving(name)
        copy.catch_up_live(name)
        assert rows != copy.rows(name)
    assert 0 == replay_command.build_into(copy.url, name, known_at=None)
    assert copy.rows(name) == replayed_rows(copy, name)
    told = capsys.readouterr().out
    assert all(f"{replay.SCHEMA}.{table}" in told for table in EVERYTHING[name].tables)


def replayed_rows(copy: Copy, name: str) -> dict[str, list[tuple[str]]]:
    rows = sql.SQL("select t::text from {} t order by 1")
    return {table: copy.ask(rows.format(Identifier(replay.SCHEMA, table))) for table in EVERYTHING[name].tables}


# The command


@pytest.fixture
def reader(copy: Copy) -> Iterator[str]:
    """The address for a role that may only select."""
    role = Identifier(f"reader_{uuid4().hex}")
    with psycopg.connect(copy.url, autocommit=True) as connection:
        connection.execute(sql.SQL("create role {} login").format(role))
        connection.execute(sql.SQL("grant select on all tables in schema public to {}").format(role))
        yield make_conninfo(copy.url, user=role._obj[0])
        connection.execute(sql.SQL("drop owned by {}").format(role))
        connection.execute(sql.SQL("drop role {}").format(role))


def test_a_role_that_may_only_select_can_replay(copy: Copy, reader: str, tmp_path: Path) -> None:
    with psycopg.connect(reader) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("delete from events")
    words, settings = ("replay", "--data", str(tmp_path)), {"DATABASE_URL": reader}
    ended = run_briefly(*words, "--json", settings=settings)
    assert (0, "") == (ended.returncode, ended.stderr)
    told = json.loads(ended.stdout)
    assert ([], sorted(EVERYTHING)) == (told["findings"], sorted(told["compared"]))
    flip(copy, one(located(copy), lambda each: each.is_alone), 0, 0)
    ended = run_briefly(*words, settings=settings)
    assert (1, "") == (ended.returncode, ended.stderr)
    assert "undecodable  " in ended.stdout


@pytest.mark.parametrize(
    "words",
    [
        ("--stream", "nobody"),
        ("--into", "nothing"),
        ("--into", "measurements", "--known-at", "x"),
        ("--stream", "x", "--as-of", "x"),
    ],
)
def test_a_replay_of_an_unknown_stream_or_view_is_refused(copy: Copy, tmp_path: Path, words: tuple[str, ...]) -> None:
    ended = run_briefly("replay", "--data", str(tmp_path), *words, settings={"DATABASE_URL": copy.url})
    assert (1, "") == (ended.returncode, ended.stdout)
    assert 1 == len(ended.stderr.splitlines())


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("--as-of", "2026-06-01"), "--as-of"),
        (("--known-at", "2026-06-01"), "--known-at"),
        (("--into", "measurements", "--as-of", "2026-06-01"), "--as-of"),
        (("--into", "measurements", "--json"), "--into"),
        (("--into", "measurements", "--stream", "x"), None),
        (("--log-only", "--stream", "x"), None),
    ],
)
def test_options_of_a_replay_that_conflict_are_rejected(words: tuple[str, ...], named: str | None) -> None:
    parser = argparse.ArgumentParser()
    replay_command.add_arguments(parser)
    if named is None:
        with pytest.raises(SystemExit):
            parser.parse_args(words)
    else:
        assert named in (replay_command.option_conflict(parser.parse_args(words)) or "")
