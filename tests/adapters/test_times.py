"""Times go in as the contract writes them, and out in one form."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import times

NOON = datetime(2019, 6, 20, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2019-06-20T12:00:00Z", NOON),
        ("2019-06-20T12:00:00", NOON),
        ("2019-06-20T12:00:00+00:00", NOON),
        ("2019-06-20T12:00:00-00:00", NOON),
        ("2019-06-20T13:00:00+01:00", NOON),
        ("2019-06-20T06:30:00-05:30", NOON),
        ("2019-06-21T11:59:00+23:59", NOON),
        ("2019-06-19T12:01:00-23:59", NOON),
        ("2019-06-20T12:00:00.5Z", NOON + timedelta(milliseconds=500)),
        ("2019-06-20T12:00:00.05Z", NOON + timedelta(milliseconds=50)),
        ("2019-06-20T12:00:00.0009Z", NOON),
        ("2019-06-20T12:00:00.9999999999Z", NOON + timedelta(milliseconds=999)),
        ("2019-06-20T12:00:00." + "1" * 10_000, NOON + timedelta(milliseconds=111)),
        ("2020-02-29T00:00:00", datetime(2020, 2, 29, tzinfo=UTC)),
        ("1678-01-01T00:00:00", datetime(1678, 1, 1, tzinfo=UTC)),
        ("1678-01-01T00:00:00+23:59", datetime(1677, 12, 31, 0, 1, tzinfo=UTC)),
        ("2261-12-31T23:59:59.999-23:59", datetime(2262, 1, 1, 23, 58, 59, 999_000, tzinfo=UTC)),
    ],
)
def test_a_time_is_an_instant_to_the_millisecond(text: str, expected: datetime) -> None:
    assert expected == times.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "2019-06-20", "2019-06-20T12:00", "2019-06-20 12:00:00", "2019-06-20t12:00:00z", "20190620T120000Z",
        "2019-6-20T12:00:00Z", "2019-06-20T12:00:00+0100", "2019-06-20T12:00:00+01", "2019-06-20T12:00:00+01:00:00",
        "2019-06-20T12:00:00+24:00", "2019-06-20T12:00:00+01:60", "2019-06-20T12:00:00 +01:00", "2019-06-20T12:00:00.Z",
        "2019-06-20T12:00:00,5Z", "2019-06-20T12:00:00ZZ", "2019-06-20T12:00:00Z\n", " 2019-06-20T12:00:00Z",
        "2019-06-20T24:00:00Z", "2019-06-20T12:60:00Z", "2019-06-20T12:00:60Z", "2019-13-20T12:00:00Z",
        "2019-00-20T12:00:00Z", "2019-02-29T12:00:00Z", "2019-04-31T12:00:00Z", "1900-02-29T12:00:00Z",
        "1677-12-31T23:59:59Z", "2262-01-01T00:00:00Z", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59Z",
        "-2019-06-20T12:00:00Z", "+2019-06-20T12:00:00Z", "12019-06-20T12:00:00Z", "2019-W25-4T12:00:00Z",
        "2019-06-20T12:00:00−01:00", "２０１９-06-20T12:00:00Z", "2019-06-20T12:00:00\u0660Z", "today", "\ud800", "\0",
    ],
)  # fmt: skip
def test_text_in_another_format_or_outside_the_calendar_is_not_a_valid_time(text: str) -> None:
    assert None is times.parse(text)


zones = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))
instants = st.datetimes(timezones=zones).filter(lambda time: times.FIRST_YEAR <= time.year <= times.LAST_YEAR)


@given(instants)
def test_every_time_of_the_contract_is_read_in_its_zone_and_in_utc(time: datetime) -> None:
    expected = time.astimezone(UTC).replace(microsecond=time.microsecond // 1000 * 1000)
    assert expected == times.parse(time.isoformat())
    assert UTC is expected.tzinfo


@given(instants)
def test_a_rendered_time_denotes_the_instant_that_was_parsed(time: datetime) -> None:
    parsed = times.parse(time.isoformat())
    assert parsed is not None
    text = times.render(parsed)
    assert len("2019-06-20T14:40:00.000Z") == len(text)
    assert datetime.fromisoformat(text) == parsed


@given(
    st.text(st.characters(exclude_categories=[]))
    | st.from_regex(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?")
)
def test_any_text_is_parsed_as_a_time_in_utc_or_none(text: str) -> None:
    time = times.parse(text)
    assert time is None or (time.tzinfo is UTC and time.microsecond % 1000 == 0)
