"""Analytics of many values in random order: results equal those computed from the values directly."""

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.acceptance.client import Api, Body, stamp
from tests.acceptance.outcomes import Outcome, new_outcome
from tests.acceptance.reference import assert_close
from tests.acceptance.reference_outcomes import STARTS, Row, rows_of, series, summary, trend

START = datetime(2018, 11, 20, tzinfo=UTC)
SUBJECTS = "abcdefg"
WINDOWS: list[tuple[float, float]] = [(0, 90), (0.25, 89.75), (9.3, 15.6), (29.99, 60.01), (41, 48), (86.5, 200)]
"""Days after START."""


def drawn(count: int) -> list[Row]:
    """Values with two digits, each subject with its own slope, spread over 90 days and milliseconds."""
    chance = random.Random(1990)
    rows = {}
    for _ in range(count):
        subject, place = chance.choice(SUBJECTS), chance.randrange(90 * 86_400_000)
        at = START + timedelta(milliseconds=place)
        slope = (SUBJECTS.index(subject) - 3) / 100
        rows[subject, at] = round(chance.gauss(70, 5) + slope * place / 86_400_000, 2)
    return [(subject, at, value) for (subject, at), value in rows.items()]


@pytest.fixture(scope="module", params=["higher_is_better", "lower_is_better"])
def made(request: pytest.FixtureRequest, admin: Api) -> tuple[Outcome, list[Row]]:
    """An outcome and its values, part of them in arrays and part one by one."""
    outcome, rows = new_outcome(admin, direction=request.param), drawn(1_500)
    sent = [(subject, stamp(at), value) for subject, at, value in rows]
    for start in range(0, 1_400, 350):
        outcome.enter(sent[start : start + 350])
    for subject, at, value in sent[1_400:]:
        outcome.record(subject_id=subject, recorded_at=at, value=str(value))
    return outcome, rows


def part(rows: list[Row], window: tuple[float, float], subject: str | None) -> tuple[list[Row], dict[str, Any]]:
    """The rows of a window, and the parameters that ask for them."""
    start, end = (START + timedelta(days=number) for number in window)
    found = [row for row in rows if start <= row[1] < end and subject in (None, row[0])]
    parameters: dict[str, Any] = {"from_": stamp(start), "to": stamp(end)}
    return found, parameters | ({} if subject is None else {"subject_id": subject})


each_window = pytest.mark.parametrize("window", WINDOWS, ids=str)
each_subject = pytest.mark.parametrize("subject", [None, "a", "g"], ids=str)


@each_window
@each_subject
def test_a_summary_of_many_values(
    window: tuple[float, float], subject: str | None, made: tuple[Outcome, list[Row]]
) -> None:
    outcome, (rows, parameters) = made[0], part(made[1], window, subject)
    times = {"first_at": stamp(min(at for _, at, _ in rows)), "last_at": stamp(max(at for _, at, _ in rows))}
    expected = {"outcome_id": outcome.id} | summary(rows, is_higher(outcome)) | times
    assert_close(expected, outcome.ask("summary", **parameters))


@each_window
@each_subject
@pytest.mark.parametrize("granularity", STARTS)
def test_a_series_of_many_values(
    granularity: str, window: tuple[float, float], subject: str | None, made: tuple[Outcome, list[Row]]
) -> None:
    outcome, (rows, parameters) = made[0], part(made[1], window, subject)
    expected = {"outcome_id": outcome.id, "granularity": granularity, "points": series(rows, granularity)}
    assert_close(expected, outcome.ask("series", granularity=granularity, **parameters))


@each_window
@each_subject
def test_a_trend_of_many_values(
    window: tuple[float, float], subject: str | None, made: tuple[Outcome, list[Row]]
) -> None:
    outcome, (rows, parameters) = made[0], part(made[1], window, subject)
    assert_close(trend(rows, is_higher(outcome)), outcome.ask("trend", **parameters))


def is_higher(outcome: Outcome) -> bool:
    return bool(outcome.body["direction"] == "higher_is_better")


TRENDS: list[tuple[list[float], bool | None, str]] = [
    ([1, 2, 3, 4.5, 5], True, "increasing"),
    ([5, 4.5, 3, 2, 1], False, "decreasing"),
    ([1, 5, 2, 4, 3], None, "stable"),
    ([1, 2, 4], None, "stable"),
]


@pytest.mark.parametrize(("values", "higher", "direction"), TRENDS, ids=str)
def test_a_significant_trend_is_better_or_worse_by_the_direction_of_the_outcome(
    values: list[float], higher: bool | None, direction: str, admin: Api
) -> None:
    for better, expected in (("higher_is_better", higher), ("lower_is_better", None if higher is None else not higher)):
        outcome = new_outcome(admin, direction=better)
        outcome.enter(("anna", f"2019-03-0{index}T12:00:00Z", value) for index, value in enumerate(values, 1))
        actual = outcome.ask("trend")
        assert (expected, direction) == (actual["better"], actual["direction"])


def test_a_trend_of_equal_values_is_stable(admin: Api) -> None:
    outcome = new_outcome(admin)
    outcome.enter(("anna", f"2019-03-0{index}T12:00:00Z", "0.10") for index in range(1, 5))
    actual = outcome.ask("trend")
    assert (0, False, "stable", None) == (
        *(actual["slope"], actual["significant"], actual["direction"]),
        actual["better"],
    )


OFFSET = [1_000_000_000.25, 1_000_000_000.5, 1_000_000_001.75, 1_000_000_000.125, 1_000_000_002]


@pytest.mark.parametrize(
    "values",
    [OFFSET, [-value for value in OFFSET], [1e15 + n for n in (0, 1, 5, 3)], [2.0**-20, 2.0**-21, 2.0**-22]],
    ids=str,
)
def test_small_differences_of_great_values_are_not_lost(values: list[float], admin: Api) -> None:
    outcome = new_outcome(admin)
    rows = [("anna", f"2019-03-0{index}T12:00:00Z", value) for index, value in enumerate(values, 1)]
    outcome.enter((subject, at, f"{Decimal(value):f}") for subject, at, value in rows)
    actual: Body = outcome.ask("summary")
    assert_close(summary(rows_of(rows))["standard_deviation"] / 1e-6, actual["standard_deviation"] / 1e-6)
    assert_close(summary(rows_of(rows))["mean"], actual["mean"])
    assert_close(trend(rows_of(rows)), outcome.ask("trend"))


@pytest.mark.parametrize(
    "value", ["9" * 38, "-" + "9" * 38, "0." + "0" * 36 + "1", "-0", "0.10", "1" * 19 + "." + "1" * 19]
)
def test_a_value_of_any_length_is_a_number_in_the_answers(value: str, admin: Api) -> None:
    outcome = new_outcome(admin)
    outcome.record(value=value)
    actual = outcome.ask("summary")
    (point,) = outcome.ask("series", granularity="week")["points"]
    for numbers in (actual, point):
        assert (float(value), float(value)) == (numbers["minimum"], numbers["maximum"])
        assert_close(float(value), numbers["mean"])
    assert_close(float(value), actual["median"])


def test_values_at_both_ends_of_time_have_their_periods(admin: Api) -> None:
    outcome = new_outcome(admin)
    ends = ["1678-01-01T00:00:00+23:59", "2019-03-01T00:00:00Z", "2261-12-31T23:59:59.999-23:59"]
    rows = [("anna", at, number) for number, at in enumerate(ends, 1)]
    outcome.enter(rows)
    for granularity in STARTS:
        expected = series(rows_of(rows), granularity)
        assert_close(expected, outcome.ask("series", granularity=granularity)["points"])
    assert_close(trend(rows_of(rows)), outcome.ask("trend"))
