"""Statistics of values that come with the request: a trend, its breaks, a correlation."""

import random
import time
from typing import Any

import pytest

from tests.acceptance.client import Api, Body
from tests.acceptance.outcomes import CHANGEPOINT, COHORT_TREND, CORRELATE, answer
from tests.acceptance.reference import assert_close, correlation, line, split

SERIES: dict[str, list[float]] = {
    "three": [1, 2, 4],
    "rising": [1, 3, 2, 5, 4, 6, 8],
    "falling": [8.5, 6, 7, 3, 2.5, 2, -1],
    "stable": [1, 5, 2, 4, 3, 3.5, 1.5],
    "exact": [1, 3, 5, 7, 9],
    "far from zero": [1e9 + value for value in (0.25, 0.5, 0.125, 2, 1.75, 2.5)],
    "tiny": [value * 2.0**-60 for value in (1, 3, 2, 5)],
    "zeros": [0, -0.0, 1, 0],
}
MANY = 100_000


def drawn(count: int, step: float = 0) -> list[float]:
    chance = random.Random(count)
    return [chance.gauss(10, 2) + (step if 2 * n >= count else 0) for n in range(count)]


def trend(api: Api, values: list[float], **more: Any) -> Body:
    return answer(api.post(COHORT_TREND, {"values": values, **more}))


def changepoint(api: Api, values: list[float], **more: Any) -> Body:
    return answer(api.post(CHANGEPOINT, {"values": values, **more}))


@pytest.mark.parametrize("values", SERIES.values(), ids=SERIES.keys())
def test_a_trend_is_least_squares_over_the_places_of_the_values(
    values: list[float], admin: Api, application: Api
) -> None:
    for api in (admin, application):
        assert_close(line(values), trend(api, values))


def test_a_trend_by_hand(admin: Api) -> None:
    # x 0 1 2 3, y 1 2 3 5: sums of squares 5 and 8.75, of products 6.5, residual 0.3; p = 1 - t / √(2 + t²) = 1 - r.
    root = 0.03**0.5
    reach = 4.302652729911275 * root
    expected = {
        **{"method": "linear_regression", "sample_size": 4, "slope": 1.3, "intercept": 0.8},
        **{"r_value": 6.5 / 43.75**0.5, "r_squared": 42.25 / 43.75, "p_value": 1 - 6.5 / 43.75**0.5},
        **{"standard_error": root, "confidence_interval": {"low": 1.3 - reach, "high": 1.3 + reach}},
        **{"significant": True, "direction": "increasing", "predictions": [0.8, 2.1, 3.4, 4.7]},
        **{"residual_standard_deviation": 0.15**0.5},
    }
    assert_close(expected, trend(admin, [1, 2, 3, 5]))


@pytest.mark.parametrize(
    "x",
    [
        [0, 1, 2, 3, 4, 5, 6],
        [10, 20, 40, 30, 5, 1, 90],
        [-1.5, 0, 0, 0, 1e-3, 7, 7],
        [6, 5, 4, 3, 2, 1, 0],
        [1e9 + n for n in (0.5, 1, 3, 4, 4.25, 5, 9)],
        [n * 1e-9 for n in (1, 2, 4, 3, 5, 6, 8)],
    ],
    ids=str,
)
def test_a_trend_may_have_its_own_x(x: list[float], admin: Api) -> None:
    assert_close(line(SERIES["rising"], x), trend(admin, SERIES["rising"], x=x))


@pytest.mark.parametrize("alpha", [0.001, 0.01, 0.05, 0.1, 0.5, 0.999])
def test_alpha_decides_what_is_significant_and_how_wide_the_interval_is(alpha: float, admin: Api) -> None:
    for values in (SERIES["rising"], SERIES["stable"], SERIES["falling"]):
        assert_close(line(values, alpha=alpha), trend(admin, values, alpha=alpha))
        assert_close(
            correlation(SERIES["exact"] + [2, 3], values, alpha=alpha),
            answer(admin.post(CORRELATE, {"x": SERIES["exact"] + [2, 3], "y": values, "alpha": alpha})),
        )


@pytest.mark.parametrize("value", [0, 5, 0.1, -1e300, 1e-320])
def test_a_trend_of_equal_values_is_stable(value: float, admin: Api) -> None:
    actual = trend(admin, [value] * 4)
    assert_close(
        {"slope": 0, "intercept": value, "significant": False, "direction": "stable", "predictions": [value] * 4},
        {name: actual[name] for name in ("slope", "intercept", "significant", "direction", "predictions")},
    )
    assert line([1, 2, 4]).keys() == actual.keys()


BREAKS: dict[str, list[float]] = {
    "a step": [1, 2, 1.5, 1, 9, 8, 9.5, 9],
    "two steps": [1, 2, 1, 2, 8, 9, 8, 9, 1, 2, 1, 2],
    "none": [1, 5, 2, 4, 3, 3.5, 1.5, 4],
    "the least": [1, 2, 4, 3, 6, 5],
    "far from zero": [1e9 + value for value in (0.25, 0.5, 0.125, 0.75, 8, 8.5, 7, 9)],
    "unequal spreads": [1, 1.001, 0.999, 1, 1.002, 30, -20, 10, 44, -3],
}


def breaks(values: list[float], least: int = 3, alpha: float = 0.05) -> Body:
    splits = [split(values, index, alpha) for index in range(least, len(values) - least + 1)]
    found = sorted((one for one in splits if one["significant"]), key=lambda one: float(one["p_value"]))
    return {
        **{"method": "welch_t_test", "sample_size": len(values), "alpha": alpha, "min_segment_size": least},
        **{"changepoints": splits, "best_changepoint": found[0] if found else None},
    }


@pytest.mark.parametrize("values", BREAKS.values(), ids=BREAKS.keys())
def test_every_split_is_tested_and_the_most_significant_is_the_best(values: list[float], admin: Api) -> None:
    assert_close(breaks(values), changepoint(admin, values))


@pytest.mark.parametrize("least", [2, 3, 4])
@pytest.mark.parametrize("alpha", [0.0001, 0.01, 0.2])
def test_segments_have_a_least_size_and_alpha_decides(least: int, alpha: float, admin: Api) -> None:
    for values in (BREAKS["a step"], BREAKS["none"]):
        expected = breaks(values, least, alpha)
        assert_close(expected, changepoint(admin, values, min_segment_size=least, alpha=alpha))


def test_a_step_between_equal_values_is_found(admin: Api) -> None:
    actual = changepoint(admin, [1, 1, 1, 5, 5, 5])
    assert [3] == [one["index"] for one in actual["changepoints"]]
    assert 3 == (actual["best_changepoint"] or {}).get("index")


@pytest.mark.parametrize("value", [0, 0.1, 1e300])
def test_equal_values_have_no_best_changepoint(value: float, admin: Api) -> None:
    actual = changepoint(admin, [value] * 7)
    assert ([3, 4], None) == ([one["index"] for one in actual["changepoints"]], actual["best_changepoint"])
    assert not any(one["significant"] for one in actual["changepoints"])


CORRELATED: dict[str, tuple[list[float], list[float]]] = {
    "four": ([1, 2, 3, 4], [1, 3, 2, 5]),
    "negative": ([1, 2, 3, 4, 5, 6], [6.5, 5, 5.5, 2, 3, -1]),
    "nothing": ([1, 2, 3, 4], [1, 2, 2, 1]),
    "ties": ([1, 1, 2, 2, 3, 0, 3], [1, 2, 2, 2, 9, 1, 9]),
    "perfect": ([1, 2, 3, 4, 5], [10, 20, 30, 40, 50]),
    "perfect and negative": ([1, 2, 3, 4], [4, 3, 2, 1]),
    "in order": ([1, 2, 3, 4, 5], [1, 4, 9, 16, 25]),
    "far from zero": ([1e9 + n for n in (0, 1, 2, 3, 4)], [-1e9 + n for n in (0.5, 2, 1, 4, 3)]),
}


@pytest.mark.parametrize("method", ["pearson", "spearman"])
@pytest.mark.parametrize(("x", "y"), CORRELATED.values(), ids=CORRELATED.keys())
def test_a_correlation_has_its_interval_by_fishers_z(x: list[float], y: list[float], method: str, admin: Api) -> None:
    actual = answer(admin.post(CORRELATE, {"x": x, "y": y, "method": method}))
    assert_close(correlation(x, y, method), actual)


def test_the_method_is_pearson_and_alpha_a_twentieth_when_they_are_left_out(admin: Api) -> None:
    x, y = CORRELATED["negative"]
    whole = {"x": x, "y": y, "method": "pearson", "alpha": 0.05, "colour": "red"}
    assert answer(admin.post(CORRELATE, whole)) == answer(admin.post(CORRELATE, {"x": x, "y": y}))
    values = BREAKS["a step"]
    assert trend(admin, values, alpha=0.05, x=list(range(8)), colour="red") == trend(admin, values)
    assert changepoint(admin, values, alpha=0.05, min_segment_size=3) == changepoint(admin, values)


def test_a_trend_of_very_many_values(admin: Api) -> None:
    values = drawn(MANY)
    assert_close(line(values), trend(admin, values))


@pytest.mark.parametrize("method", ["pearson", "spearman"])
def test_a_correlation_of_very_many_values(method: str, admin: Api) -> None:
    x, y = drawn(MANY), drawn(MANY + 1)[1:]
    actual = answer(admin.post(CORRELATE, {"x": x, "y": y, "method": method}))
    assert MANY == actual["sample_size"]
    if method == "pearson":
        assert_close(correlation(x, y), actual)


def test_changepoints_of_very_many_values(admin: Api) -> None:
    values = drawn(MANY, step=0.5)
    started = time.monotonic()
    actual = changepoint(admin, values)
    assert time.monotonic() - started < 60
    listed = [one["index"] for one in actual["changepoints"]]
    assert sorted(set(listed)) == listed
    assert 1_000 == len(listed)
    for place in (0, 1, 500, 999):
        assert_close(split(values, listed[place]), actual["changepoints"][place])
    assert actual["best_changepoint"] in actual["changepoints"]
    assert min(actual["changepoints"], key=lambda one: float(one["p_value"]))["p_value"] < 1e-9
    assert abs(actual["best_changepoint"]["index"] - MANY // 2) < 500
