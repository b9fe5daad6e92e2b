"""The log that rebuilding is measured on is one that the service could have written."""

from collections.abc import Callable, Iterable
from itertools import groupby, pairwise
from operator import attrgetter, itemgetter
from typing import Any

import pytest

from domain import group, institution, measurement, outcome, user
from domain.audit import AuditRead
from domain.catalogue import EVENTS, decode
from domain.dedupe import Freed, Held, Key, ScopeFreed
from domain.entry import EntryRecorded
from domain.event import Event
from domain.group import GroupFormed
from domain.institution import InstitutionRegistered
from domain.measurement import MeasurementRecorded, MeasurementsWithdrawn
from domain.outcome import OutcomeCreated
from domain.partition import partition
from domain.user import UserRegistered, UserRemoved
from projections.inline.dedupe_index import changes
from scripts.benchmarks.rebuild_log import Log, Row
from scripts.benchmarks.rebuild_programme import Programme

NUMBER = 20_000
CHILDREN = 60
PARTITIONS = 8

FOLDS: dict[type[Event], Callable[[Iterable[Event]], Any]] = {
    MeasurementRecorded: measurement.fold,
    InstitutionRegistered: institution.fold,
    UserRegistered: user.fold,
    GroupFormed: group.fold,
    OutcomeCreated: outcome.fold,
    EntryRecorded: lambda _: None,
    MeasurementsWithdrawn: lambda _: None,
    AuditRead: lambda _: None,
}
"""What streams begin with, and what their states are made by; the last three end as they begin."""


def log() -> Log:
    return Log(Programme(children=CHILDREN), PARTITIONS)


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return list(log().grow(NUMBER))


@pytest.fixture(scope="module")
def events(rows: list[Row]) -> list[Event]:
    return [decode(name, state) for *_, name, state in rows]


def test_the_benchmark_log_has_events_of_every_type_and_the_requested_length(events: list[Event]) -> None:
    assert set(EVENTS.values()) == {type(event) for event in events}
    assert 0 <= len(events) - NUMBER < 4, "no command is cut off"


def test_every_row_says_what_its_event_does(rows: list[Row], events: list[Event]) -> None:
    said = [(part, stream, version, name) for part, _, stream, version, name, _ in rows]
    assert said == [
        (partition(event.originator_id, PARTITIONS), event.originator_id, event.originator_version, event.stored_name)
        for event in events
    ]


def test_a_partition_has_no_gaps_and_its_time_never_goes_back(rows: list[Row], events: list[Event]) -> None:
    for part in range(PARTITIONS):
        in_part = [
            (row[1], event.origin.recorded_at) for row, event in zip(rows, events, strict=True) if row[0] == part
        ]
        assert [seq for seq, _ in in_part] == list(range(1, len(in_part) + 1))
        assert all(before <= after for (_, before), (_, after) in pairwise(in_part))


def test_no_history_is_impossible(events: list[Event]) -> None:
    by_stream = sorted(events, key=attrgetter("originator_id"))
    for stream, history in groupby(by_stream, key=attrgetter("originator_id")):
        first, *others = past = list(history)
        assert [event.originator_version for event in past] == list(range(1, len(past) + 1)), stream
        assert type(first) in FOLDS, stream
        for number, event in enumerate(others, start=1):
            assert type(event) not in FOLDS, stream
            there = FOLDS[type(first)](past[:number])
            assert there is not None, f"{stream} had ended"
            assert there.version == number


def test_no_key_is_taken_twice_or_given_up_by_nobody(events: list[Event]) -> None:
    held: dict[Key, str] = {}
    for event in events:
        for change in changes(event):
            match change:
                case Held(key, stream):
                    assert key not in held
                    held[key] = stream
                case Freed(key):
                    del held[key]
                case ScopeFreed(scope):
                    held = {key: stream for key, stream in held.items() if key.scope != scope}


def test_only_children_who_are_there_are_measured(events: list[Event]) -> None:
    children: set[str] = set()
    for event in events:
        match event:
            case UserRegistered(role="child"):
                children.add(event.user_id)
            case UserRemoved():
                children.remove(event.user_id)
            case MeasurementRecorded():
                assert event.child_id in children
            case MeasurementsWithdrawn():
                assert event.child_id not in children


def test_the_benchmark_log_is_the_same_whether_built_at_once_or_in_pieces(rows: list[Row]) -> None:
    pieces = log()
    grown = [row for _ in range(4) for row in pieces.grow(1_000)]
    assert rows[: len(grown)] == grown
    assert len(pieces) == len(grown) == sum(1 for _ in map(itemgetter(0), grown))
