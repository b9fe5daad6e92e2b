"""Filters are parsed as the contract defines them; anything else is rejected."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from adapters.http.schemas import filters, periods, query_parameters
from application.queries.measurements import Condition, Operator, Order, ReadMeasurements
from application.queries.query import Paging
from domain.refusal import BadFilter, GivenTwice, TextTooLong, TooLarge, UnknownParameter
from tests.examples import CHILD, actor

NOW = datetime(2019, 6, 20, 12, 30, tzinfo=UTC)
REFUSED = (BadFilter, GivenTwice, TextTooLong, TooLarge, UnknownParameter)
EVERYTHING = ReadMeasurements(actor=actor(), child_id=CHILD, kind="weight")


def read(*sent: tuple[str, str], now: datetime = NOW) -> ReadMeasurements:
    return filters.narrowed(EVERYTHING, query_parameters.read(sent, filters.LIST), now=now)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_query_without_parameters_has_no_filter() -> None:
    assert EVERYTHING == read()


@pytest.mark.parametrize(
    ("member", "text", "expected"),
    [
        ("value", "70.2", Condition("value", Operator.EQ, 70.2)),
        ("value", "gt:60", Condition("value", Operator.GT, 60.0)),
        ("value", "gte:60", Condition("value", Operator.GTE, 60.0)),
        ("value", "lt:6e1", Condition("value", Operator.LT, 60.0)),
        ("value", "lte:-0.5", Condition("value", Operator.LTE, -0.5)),
        ("value", "ne:0", Condition("value", Operator.NE, 0.0)),
        ("unit", "kg", Condition("unit", Operator.EQ, "kg")),
        ("unit", "k*", Condition("unit", Operator.LIKE, "k*")),
        ("unit", "ne:k*", Condition("unit", Operator.UNLIKE, "k*")),
        ("unit", "gt:k", Condition("unit", Operator.GT, "k")),
        ("unit", "x:y", Condition("unit", Operator.EQ, "x:y")),
        ("unit", "ne:gt:y", Condition("unit", Operator.NE, "gt:y")),
        ("timestamp", "gte:2019-06-01", Condition("timestamp", Operator.GTE, at("2019-06-01"))),
        ("timestamp", "2019-06-01T10:00:00+01:00", Condition("timestamp", Operator.EQ, at("2019-06-01T09:00"))),
        ("timestamp", "2019-06-01T10:00:00 01:00", Condition("timestamp", Operator.EQ, at("2019-06-01T09:00"))),
    ],
)
def test_a_condition_compares_a_member(member: str, text: str, expected: Condition) -> None:
    assert ((expected,),) == read((member, text)).conditions


def test_a_comma_is_or_and_repeating_is_and() -> None:
    or_, and_ = read(("value", "62,gt:70"), ("value", "lt:80")).conditions
    assert [Operator.EQ, Operator.GT] == [condition.operator for condition in or_]
    assert [Operator.LT] == [condition.operator for condition in and_]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("timestamp", (Order("timestamp", False),)),
        ("-value", (Order("value", True),)),
        ("+timestamp", (Order("timestamp", False),)),
        (" timestamp", (Order("timestamp", False),)),
        ("-value, timestamp", (Order("value", True), Order("timestamp", False))),
        ("timestamp,-value,unit", (Order("timestamp", False), Order("value", True), Order("unit", False))),
    ],
)
def test_sorting(text: str, expected: tuple[Order, ...]) -> None:
    assert expected == read(("sort", text)).order


@pytest.mark.parametrize(("page", "limit"), [("1", "1"), ("7", "1000"), ("999999999999999999", "100"), ("007", "05")])
def test_paging(page: str, limit: str) -> None:
    assert Paging(int(page), int(limit)) == read(("page", page), ("limit", limit)).paging


def bounds(*parameters: tuple[str, str], now: datetime = NOW) -> tuple[datetime | None, datetime | None]:
    """Start and end that the parameters come to."""
    found: dict[Operator, datetime] = {}
    for (condition,) in read(*parameters, now=now).conditions:
        assert "timestamp" == condition.member
        assert isinstance(condition.operand, datetime)
        found[condition.operator] = condition.operand
    assert set(found) <= {Operator.GTE, Operator.LT}, "the start is inclusive, the end exclusive"
    return found.get(Operator.GTE), found.get(Operator.LT)


def test_bounds_are_dates_times_or_today() -> None:
    assert (at("2019-06-01"), at("2019-06-20")) == bounds(("start_at", "2019-06-01"), ("end_at", "today"))
    assert (at("2019-06-01T09:00"), None) == bounds(("start_at", "2019-06-01T10:00:00+01:00"))


def test_a_period_alone_ends_now() -> None:
    assert (NOW - timedelta(days=7), NOW) == bounds(("period", "7d"))


def test_a_period_goes_from_a_start_and_up_to_an_end_in_any_order() -> None:
    assert (at("2019-06-01"), at("2019-06-29")) == bounds(("period", "4w"), ("start_at", "2019-06-01"))
    assert (at("2019-05-23"), at("2019-06-20")) == bounds(("end_at", "today"), ("period", "4w"))


@pytest.mark.parametrize(
    ("start", "period", "end"),
    [
        ("2019-01-31", "1m", "2019-02-28"),
        ("2020-01-31", "1m", "2020-02-29"),
        ("2019-01-31", "3m", "2019-04-30"),
        ("2019-01-31", "13m", "2020-02-29"),
        ("2019-11-30", "3m", "2020-02-29"),
        ("2019-12-15", "1m", "2020-01-15"),
        ("2020-02-29", "1y", "2021-02-28"),
        ("2020-02-29", "4y", "2024-02-29"),
        ("2019-03-31", "0m", "2019-03-31"),
        ("2019-02-28", "1d", "2019-03-01"),
        ("2019-12-30", "1w", "2020-01-06"),
    ],
)
def test_months_and_years_are_those_of_the_calendar(start: str, period: str, end: str) -> None:
    assert (at(start), at(end)) == bounds(("start_at", start), ("period", period))


@pytest.mark.parametrize(
    ("end", "period", "start"),
    [
        ("2019-03-31", "1m", "2019-02-28"),
        ("2020-03-31", "1m", "2020-02-29"),
        ("2019-01-15", "1m", "2018-12-15"),
        ("2019-01-31", "2m", "2018-11-30"),
        ("2020-02-29", "1y", "2019-02-28"),
        ("2019-12-31", "12m", "2018-12-31"),
    ],
)
def test_periods_go_back_by_the_calendar_too(end: str, period: str, start: str) -> None:
    assert (at(start), at(end)) == bounds(("end_at", end), ("period", period))


@pytest.mark.parametrize(
    "sent",
    [
        *([("period", text)] for text in ("", "7", "d", "-7d", "7D", "7.5d", "7d ", " 7d", "7d7d", "1000000d", "٣d",
                                          "999999y", "999999m", "999999w", "9000y")),
        *([(name, text)] for name in ("page", "limit") for text in ("0", "-1", "", "1.0", "1e2", "+1", "٣", "1" * 19)),
        [("limit", "1001")], [("page", "1"), ("page", "1")], [("period", "1d"), ("period", "1d")],
        [("start_at", "2019-01-01"), ("end_at", "2019-02-01"), ("period", "1d")],
        *([(name, text)] for name in ("start_at", "end_at") for text in ("", "now", "Today", "2019-02-29", "2019-2-1")),
        *([("value", text)] for text in ("", "gt:", "x", "eq:1", "1,", ",", "nan", "inf", "1e999")),
        *([("value", text)] for text in ("0x1", "1_0", "٣", " 1", "1 ", "+1", ".5", "5.")),
        *([("timestamp", text)] for text in ("", "gt:", "2019", "2019-02-30", "today", "*", "2019-*")),
        *([("unit", text)] for text in ("", "gt:", "gt:k*", "kg,", "k\0g", "ne:")),
        *([("sort", text)] for text in ("", "-", "--value", "id", "value,", "value desc", "Value", "+-value")),
        *([("sort", text)] for text in ("timestamp, -value", "++value", "+", " ")),
        [("id", "x")], [("", "")], [("Value", "1")], [("value ", "1")], [("taken_at", "2019-01-01")], [("x\0", "\0")],
    ],
    ids=str,
)  # fmt: skip
def test_a_filter_that_cannot_be_parsed_is_rejected(sent: list[tuple[str, str]]) -> None:
    with pytest.raises(REFUSED):
        read(*sent)


def test_a_question_has_so_many_conditions_at_most() -> None:
    many = ",".join(["1"] * (filters.CONDITIONS - 1))
    assert 2 == len(read(("value", many), ("value", "2")).conditions)
    for sent in (
        [("value", f"{many},1,1")],
        [("value", many), ("value", "2,3")],
        [("value", many), ("unit", "a,b")],
    ):
        with pytest.raises(REFUSED):
            read(*sent)


texts = st.text(st.characters(exclude_categories=[]), max_size=12)
names = st.sampled_from(["timestamp", "value", "unit", "sort", "page", "limit", "start_at", "end_at", "period"])
likely = st.from_regex(r"(gt:|lte:|ne:|-)?([0-9]{1,7}[dwmy]?|today|[0-9]{4}-[0-9]{2}-[0-9]{2}|k\*|value)(,.{0,3})?")


@settings(max_examples=200)
@given(st.lists(st.tuples(names | texts, likely | texts), max_size=4), st.datetimes(timezones=st.just(UTC)))
@example([("period", "999999y"), ("start_at", "2261-12-31T23:59:59-23:59")], NOW)
@example([("period", "9999m")], datetime.min.replace(tzinfo=UTC))
@example([("period", "1d")], datetime.max.replace(tzinfo=UTC))
def test_any_query_parameters_are_parsed_or_refused_as_invalid(sent: list[tuple[str, str]], now: datetime) -> None:
    try:
        query = read(*sent, now=now)
    except REFUSED:
        return
    assert 1 <= query.paging.page
    assert 1 <= query.paging.limit <= query_parameters.LIMIT_MOST
    for group in query.conditions:
        assert all(condition.member in ("timestamp", "value", "unit") for condition in group)


@given(st.datetimes(timezones=st.just(UTC)), st.integers(0, 1_000))
def test_months_forward_never_skip_one(start: datetime, count: int) -> None:
    try:
        end = periods._shift(start, count, "m", 1)
    except REFUSED:
        return
    assert 12 * start.year + start.month + count == 12 * end.year + end.month
    assert end.day <= start.day
    assert end.time() == start.time()
