"""Ids are 24 hexadecimal characters that increase with the log's time."""

import re
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from application.ids import ids_from

START = datetime(1970, 1, 1, tzinfo=UTC)
times = st.integers(0, 16**13 - 2).map(lambda microseconds: START + timedelta(microseconds=microseconds))
"""Until 2112."""


@given(times, st.integers(1, 50))
def test_the_ids_of_a_group_are_ids_and_increase(recorded_at: datetime, count: int) -> None:
    new_id = ids_from(recorded_at)
    ids = [new_id() for _ in range(count)]
    assert ids == sorted(set(ids))
    assert all(re.fullmatch("[0-9a-f]{24}", id) for id in ids)


@given(times)
def test_a_later_group_has_later_ids_however_many_the_earlier_had(recorded_at: datetime) -> None:
    earlier, later = ids_from(recorded_at, "ffffff"), ids_from(recorded_at + timedelta(microseconds=1), "000000")
    assert max(earlier() for _ in range(20)) < later()


def test_two_partitions_that_record_in_one_microsecond_have_different_ids() -> None:
    now = datetime(2019, 6, 20, tzinfo=UTC)
    assert 20 == len({ids_from(now)() for _ in range(20)})


def test_an_id_says_when_it_was_made() -> None:
    new_id = ids_from(datetime(2019, 6, 20, 12, tzinfo=UTC), "abcdef")
    assert ["58bc015d7d00000000abcdef", "58bc015d7d00000001abcdef"] == [new_id(), new_id()]
