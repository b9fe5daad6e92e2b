"""Entries: one per outcome, subject and time, in the subject's partition."""

from datetime import timedelta
from typing import Any

import pytest

from domain import entry
from domain.partition import partition, partition_key, stream
from domain.refusal import AlreadyRegistered
from tests import example_commands
from tests.examples import ENTRY, NOON, SUBJECT, entry_recorded
from tests.given import Decision, given

NEXT = "01903a5c-9c9f-7126-8000-0130a0800000"


def record(entry_id: str = ENTRY, **changes: Any) -> Decision:
    sent = example_commands.entry(**{"metadata": {"arm": "A", "visit": 2}} | changes)
    return lambda known: entry.record(sent, known, entry_id=entry_id)


def test_an_entry_is_recorded_with_its_value_as_it_was_written() -> None:
    given().when(record()).then(entry_recorded())


def test_a_subject_has_one_entry_of_an_outcome_at_a_time() -> None:
    given(entry_recorded()).when(record(NEXT, value="1", metadata={})).refuses(AlreadyRegistered("Entry"))


@pytest.mark.parametrize(
    "change",
    [{"outcome_id": NEXT}, {"subject_id": "chick 2"}, {"recorded_at": NOON + timedelta(milliseconds=1)}],
    ids=lambda change: next(iter(change)),
)
def test_entries_of_another_outcome_subject_or_time_are_recorded(change: dict[str, Any]) -> None:
    told = {("happened_at" if name == "recorded_at" else name): value for name, value in change.items()}
    subject = change.get("subject_id", SUBJECT)
    expected = entry_recorded(originator_id=stream(subject, NEXT), entry_id=NEXT, **told)
    given(entry_recorded()).when(record(NEXT, **change)).then(expected)


@pytest.mark.parametrize("subject", ["chick 1", "", "ünï", "5a62be07d6f33400146c9b61", "/", "x" * 500])
def test_key_and_stream_of_an_entry_are_in_the_partition_of_its_subject(subject: str) -> None:
    key = entry.key("outcome", subject, NOON)
    parts = {partition(name, 64) for name in (key.scope, stream(subject, ENTRY), partition_key(subject))}
    assert 1 == len(parts)


def test_the_entries_about_a_child_do_not_end_with_its_measurements() -> None:
    assert "5a62be07d6f33400146c9b61" != entry.key("outcome", "5a62be07d6f33400146c9b61", NOON).scope
