"""Summary, series and trend of an outcome's entries."""

from functools import partial
from statistics import stdev
from typing import Any

import pytest

from tests.acceptance.client import Api, Body, at_once, statuses
from tests.acceptance.outcomes import Outcome, answer, day, new_outcome, query, refusal
from tests.acceptance.reference import assert_close
from tests.acceptance.reference_outcomes import rows_of, trend

ROWS: list[tuple[str, str, float]] = [
    ("anna", day(1, "06:00:00.000Z"), 10),
    ("anna", day(2, "06:00:00.000Z"), 12),
    ("anna", day(2, "18:00:00.000Z"), 14),
    ("anna", day(4), 20),
    ("ben", day(1), 5),
    ("ben", day(1, "18:00:00.000Z"), 7),
    ("carl", day(3), 8),
    ("carl", day(5), 8),
    ("dora", day(3, "06:00:00.000Z"), 9),
    ("dora", day(6), 3),
    ("eva", day(4), 1),
    ("eva", day(5), 2),
]
NOTHING = {
    **{"count": 0, "subjects": 0, "improving": None},
    **dict.fromkeys(["mean", "median", "standard_deviation", "minimum", "maximum", "first_at", "last_at"]),
}


@pytest.fixture(scope="module")
def outcome(admin: Api, application: Api) -> Outcome:
    """One with ROWS, which no test adds to."""
    made = Outcome(application, new_outcome(admin).body)
    made.enter(ROWS)
    return made


@pytest.fixture
def own(admin: Api) -> Outcome:
    return new_outcome(admin)


def test_a_summary_of_nothing_counts_none(own: Outcome) -> None:
    assert {"outcome_id": own.id} | NOTHING == own.ask("summary")
    own.record()
    assert {"outcome_id": own.id} | NOTHING == own.ask("summary", subject_id="nobody")


def test_a_summary_of_one_value_has_no_deviation(own: Outcome) -> None:
    own.record(value="0.10", recorded_at=day(1))
    same = dict.fromkeys(["mean", "median", "minimum", "maximum"], 0.1) | {"first_at": day(1), "last_at": day(1)}
    one = {"outcome_id": own.id, "count": 1, "subjects": 1, "standard_deviation": None, "improving": None}
    assert_close(one | same, own.ask("summary"))


def test_a_summary_is_of_all_values(outcome: Outcome) -> None:
    expected = {
        **{"outcome_id": outcome.id, "count": 12, "subjects": 5, "mean": 8.25, "median": 8},
        **{"standard_deviation": stdev(value for _, _, value in ROWS), "minimum": 1, "maximum": 20},
        **{"first_at": day(1, "06:00:00.000Z"), "last_at": day(6), "improving": 0.5},
    }
    assert_close(expected, outcome.ask("summary"))


def test_the_share_of_improving_subjects_follows_the_direction(admin: Api) -> None:
    own = new_outcome(admin, direction="lower_is_better")
    own.enter(ROWS)
    assert 0.25 == own.ask("summary")["improving"]
    answer(admin.patch(own.path, {"direction": "higher_is_better"}))
    assert 0.5 == own.ask("summary")["improving"]


@pytest.mark.parametrize(
    "rows",
    [
        [("a", day(1), 2), *[("a", day(2, f"12:00:0{n}.000Z"), 10) for n in range(4)]]
        + [("a", day(3, f"12:00:0{n}.000Z"), 3) for n in range(4)],
        [("a", day(1), 5), ("a", day(2), 0), ("a", day(11), 5)],
        [("a", day(1, "23:00:00.000-02:00"), 9), ("a", day(2, "02:00:00.000Z"), 1), ("a", day(1), 3)],
    ],
    ids=["means of days", "days that are left out", "days in UTC"],
)
def test_a_subject_improves_by_the_slope_of_its_daily_means(rows: list[tuple[str, str, float]], own: Outcome) -> None:
    own.enter(rows)
    assert 1 == own.ask("summary")["improving"]


@pytest.mark.parametrize(
    ("parameters", "count", "first", "last"),
    [
        ({"from_": day(2, "06:00:00.000Z")}, 9, day(2, "06:00:00.000Z"), day(6)),
        ({"from_": day(2, "06:00:00.001Z")}, 8, day(2, "18:00:00.000Z"), day(6)),
        ({"to": day(2, "18:00:00.000Z")}, 4, day(1, "06:00:00.000Z"), day(2, "06:00:00.000Z")),
        ({"to": day(2, "18:00:00.001Z")}, 5, day(1, "06:00:00.000Z"), day(2, "18:00:00.000Z")),
        ({"from_": "2019-03-02", "to": "2019-03-03"}, 2, day(2, "06:00:00.000Z"), day(2, "18:00:00.000Z")),
        ({"from_": day(2, "08:00:00+02:00"), "to": day(2, "20:00:00+02:00")}, 1, *[day(2, "06:00:00.000Z")] * 2),
        ({"from_": day(2), "to": day(3), "subject_id": "anna"}, 1, *[day(2, "18:00:00.000Z")] * 2),
        ({"subject_id": "carl"}, 2, day(3), day(5)),
        ({"from_": "2019-04-04", "to": "2019-04-05"}, 0, None, None),
        ({"subject_id": "Carl"}, 0, None, None),
        ({}, 12, day(1, "06:00:00.000Z"), day(6)),
    ],
    ids=str,
)
def test_from_counts_and_to_does_not(
    parameters: dict[str, Any], count: int, first: str | None, last: str | None, outcome: Outcome
) -> None:
    summary = outcome.ask("summary", **parameters)
    assert (count, first, last) == (summary["count"], summary["first_at"], summary["last_at"])
    points = outcome.ask("series", granularity="month", **parameters)["points"]
    assert count == sum(point["count"] for point in points)


def point(start: str, count: int, mean: float, minimum: float, maximum: float) -> Body:
    numbers = {"count": count, "mean": mean, "minimum": minimum, "maximum": maximum}
    return {"start": f"{start}T00:00:00.000Z"} | numbers


SERIES: dict[str, list[Body]] = {
    "day": [
        point("2018-12-31", 1, 1, 1, 1),
        point("2019-01-01", 1, 3, 3, 3),
        point("2019-01-06", 2, 6.5, 5, 8),
        point("2019-01-07", 1, 2, 2, 2),
        point("2019-03-01", 1, -4.5, -4.5, -4.5),
        point("2019-03-31", 2, 0.5, 0, 1),
    ],
    "week": [
        point("2018-12-31", 4, 4.25, 1, 8),
        point("2019-01-07", 1, 2, 2, 2),
        point("2019-02-25", 1, -4.5, -4.5, -4.5),
        point("2019-03-25", 2, 0.5, 0, 1),
    ],
    "month": [
        point("2018-12-01", 1, 1, 1, 1),
        point("2019-01-01", 4, 4.5, 2, 8),
        point("2019-03-01", 3, -3.5 / 3, -4.5, 1),
    ],
}


@pytest.mark.parametrize("granularity", SERIES)
def test_a_series_leaves_empty_periods_out_and_weeks_begin_on_monday(granularity: str, own: Outcome) -> None:
    times = ["2019-01-06T23:59:59.999Z", "2019-01-07T00:30:00+01:00", "2019-01-07T00:00:00Z", "2018-12-31T00:00:00Z"]
    times += ["2018-12-31T23:30:00-02:00", "2019-02-28T23:00:00-01:00", "2019-03-31T00:00:00Z", "2019-03-31T23:59:59Z"]
    own.enter(zip("abcdefgh", times, (5, 8, 2, 1, 3, -4.5, 0, 1), strict=True))
    expected = {"outcome_id": own.id, "granularity": granularity, "points": SERIES[granularity]}
    assert_close(expected, own.ask("series", granularity=granularity))


def test_a_series_over_nothing_has_no_points(own: Outcome) -> None:
    for granularity in SERIES:
        empty = {"outcome_id": own.id, "granularity": granularity, "points": []}
        assert empty == own.ask("series", granularity=granularity)


def test_a_period_is_dated_at_its_start_even_if_the_query_covers_only_part_of_it(outcome: Outcome) -> None:
    part = {"from_": day(2), "to": day(4, "12:00:00.000Z")}
    days = [point("2019-03-02", 1, 14, 14, 14), point("2019-03-03", 2, 8.5, 8, 9)]
    assert_close(days, outcome.ask("series", granularity="day", **part)["points"])
    assert_close([point("2019-02-25", 3, 31 / 3, 8, 14)], outcome.ask("series", granularity="week", **part)["points"])
    anna = outcome.ask("series", granularity="week", subject_id="anna")["points"]
    assert_close([point("2019-02-25", 3, 12, 10, 14), point("2019-03-04", 1, 20, 20, 20)], anna)


@pytest.mark.parametrize("rows", [[], ROWS[:2], [*ROWS[:3], *ROWS[4:6]]], ids=len)
def test_a_trend_needs_three_days(rows: list[tuple[str, str, float]], own: Outcome) -> None:
    own.enter(rows)
    assert "3" in refusal(400, own.api.get(f"{own.path}/trend"))


def test_a_trend_covers_only_the_days_of_the_query(outcome: Outcome) -> None:
    for parameters in ({"to": "2019-03-03"}, {"from_": day(5, "12:00:00.001Z")}, {"subject_id": "carl"}):
        assert "3" in refusal(400, outcome.api.get(query(f"{outcome.path}/trend", **parameters)))
    assert_close(trend(rows_of(ROWS)), outcome.ask("trend"))
    assert_close(trend(rows_of(ROWS[:4])), outcome.ask("trend", subject_id="anna"))
    part = {"from_": day(2), "to": day(5)}
    assert_close(trend(rows_of([ROWS[2], ROWS[3], ROWS[6], ROWS[8], ROWS[10]])), outcome.ask("trend", **part))


def test_an_acknowledged_entry_is_in_every_later_analytics_answer(own: Outcome) -> None:
    for number in range(1, 21):
        own.record(value=str(number), recorded_at=day(number))
        assert number == own.ask("summary")["count"]
        assert number == len(own.ask("series", granularity="day")["points"])
        assert number < 3 or number == own.ask("trend")["sample_size"]


def test_entries_of_many_at_once_are_all_counted(own: Outcome) -> None:
    sent = [own.entry(subject_id=str(number), value=str(number)) for number in range(64)]
    assert {201: 64} == statuses(at_once([partial(own.post, entry) for entry in sent]))
    summary = own.ask("summary")
    assert (64, 64, 31.5) == (summary["count"], summary["subjects"], summary["mean"])
