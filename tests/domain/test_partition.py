"""The partition of a stream is a function of its id that never changes."""

from collections import Counter
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import measurement
from domain.dedupe import ScopeFreed
from domain.event import Event
from domain.measurement import KINDS
from domain.partition import ACCOUNTS, KEY_LENGTH, name_of, partition, partition_key, stream
from projections.inline import dedupe_index
from tests.examples import EVENTS, new_id

ids = st.text("0123456789abcdef", min_size=KEY_LENGTH, max_size=KEY_LENGTH)
keys = ids | st.text(st.characters(exclude_categories=["Cs"]))
counts = st.integers(1, 1_000)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("5a62be07d6f33400146c9b61", (0, 5, 29)),
        ("000000000000000000000000", (0, 5, 21)),
        ("ffffffffffffffffffffffff", (0, 4, 20)),
        (ACCOUNTS, (0, 0, 56)),
    ],
)
def test_the_partition_of_a_key_never_changes(key: str, expected: tuple[int, ...]) -> None:
    assert expected == tuple(partition(key, partitions) for partitions in (1, 8, 64))


def test_the_partition_key_of_the_accounts_never_changes() -> None:
    assert "bc62a3c14fec277e3dc6b504" == ACCOUNTS


def test_the_partition_key_of_a_text_that_is_no_id_is_the_start_of_its_hash() -> None:
    assert "f32ca7b19612ca0e0a553332/x" == stream("subject 1", "x")


def test_an_id_is_its_own_partition_key() -> None:
    assert "5a62be07d6f33400146c9b61/x" == stream("5a62be07d6f33400146c9b61", "x")


@given(keys, st.text(max_size=40), counts)
def test_a_partition_key_its_streams_and_its_scopes_are_in_one_partition(key: str, name: str, partitions: int) -> None:
    expected = partition(partition_key(key), partitions)
    assert expected == partition(stream(key, name), partitions)
    assert expected == partition(f"{partition_key(key)}/{name}", partitions)
    assert expected in range(partitions)


@given(ids, counts)
def test_a_child_its_measurements_and_their_dedupe_keys_are_in_one_partition(child_id: str, partitions: int) -> None:
    scopes = {measurement.key(child_id, kind, datetime(2019, 6, 20, tzinfo=UTC)).scope for kind in KINDS}
    assert {partition(child_id, partitions)} == {
        partition(name, partitions) for name in (stream(child_id, new_id()), *scopes)
    }


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.stored_name)
def test_an_event_and_the_dedupe_keys_that_it_changes_are_in_one_partition(event: Event) -> None:
    expected = partition(event.originator_id, 64)
    for change in dedupe_index.changes(event):
        scope = change.scope if isinstance(change, ScopeFreed) else change.key.scope
        assert expected == partition(scope, 64)


@given(keys)
def test_a_partition_key_is_its_own_partition_key(key: str) -> None:
    assert KEY_LENGTH == len(partition_key(key))
    assert partition_key(key) == partition_key(partition_key(key))


@given(keys, st.text())
def test_the_name_of_a_stream_can_be_told_from_its_id(key: str, name: str) -> None:
    assert name == name_of(stream(key, name))


@pytest.mark.parametrize("partitions", [2, 7, 64])
def test_consecutive_ids_are_spread_evenly_over_the_partitions(partitions: int) -> None:
    each = 500
    found = Counter(partition(f"5a62be07{number:016x}", partitions) for number in range(partitions * each))
    assert partitions == len(found)
    assert each * 0.8 < min(found.values()) <= max(found.values()) < each * 1.2
