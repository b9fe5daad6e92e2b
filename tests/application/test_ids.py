"""Ids are 24 hexadecimal characters that increase with the time of the log and cannot be guessed."""

import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from application.ids import Ids, uuid_of

NOW = datetime(2019, 6, 20, 12, tzinfo=UTC)
START = datetime(1970, 1, 1, tzinfo=UTC)
times = st.integers(0, 16**13 - 100).map(lambda microseconds: START + timedelta(microseconds=microseconds))
"""Until 2112."""


@given(times, st.integers(1, 50))
def test_the_ids_of_a_batch_are_ids_and_increase(recorded_at: datetime, count: int) -> None:
    new_id = Ids().since(recorded_at)
    ids = [new_id() for _ in range(count)]
    assert ids == sorted(set(ids))
    assert all(re.fullmatch("[0-9a-f]{24}", id) for id in ids)


@given(times, st.lists(st.integers(-5, 5), max_size=5))
def test_a_later_batch_has_greater_ids_even_if_the_clock_is_set_back(recorded_at: datetime, steps: list[int]) -> None:
    source, ids = Ids(), list[str]()
    for step in [5, *steps]:
        recorded_at = max(START, recorded_at + timedelta(microseconds=step))
        new_id = source.since(recorded_at)
        ids += [new_id() for _ in range(40)]
    assert ids == sorted(set(ids))


def test_ids_of_today_are_greater_than_those_of_earlier_versions() -> None:
    before = "58bc015d7d000" + "00000" + "ffffff"
    assert before < Ids().since(NOW + timedelta(microseconds=1))()


def test_every_id_has_40_random_bits() -> None:
    """Within one batch, and in batches of the same time in two processes."""
    sources = [Ids(), Ids()]
    ids = [source.since(NOW)() for source in sources for _ in range(200)]
    tails = [int(id[14:], 16) for id in ids]
    assert 400 == len(set(tails))
    for bit in range(40):
        assert {0, 1} == {tail >> bit & 1 for tail in tails}, bit


def test_the_uuid_of_an_id_has_its_random_bits_and_its_order() -> None:
    new_id = Ids().since(NOW)
    ids = [new_id() for _ in range(100)]
    uuids = [UUID(uuid_of(id)) for id in ids]
    assert {7} == {uuid.version for uuid in uuids}
    assert [str(uuid) for uuid in uuids] == sorted(str(uuid) for uuid in uuids)
    assert [int(id[14:], 16) for id in ids] == [uuid.int >> 18 & (1 << 40) - 1 for uuid in uuids]


def test_an_id_contains_its_time() -> None:
    new_id = Ids(lambda: 0xABCDEF).since(NOW)
    assert ["58bc015d7d00000000abcdef", "58bc015d7d00010000abcdef"] == [new_id(), new_id()]
