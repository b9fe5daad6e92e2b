"""Every split of a series is tested as SciPy's Welch test would."""

import sys
from time import perf_counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from adapters.statistics.changepoint import changepoints
from adapters.statistics.results import MOST_CHANGEPOINTS, Changepoint, InvalidInput
from tests.statistics.numbers import exact_mean, exact_variance, near, plain, unhurried
from tests.statistics.published import FIRST_DRUG, NILE, SECOND_DRUG

LARGEST = sys.float_info.max

series = st.lists(plain, min_size=4, max_size=40)


@unhurried
@given(series, st.integers(2, 5))
def test_every_split_that_leaves_both_segments_long_enough_is_tested_in_order(values: list[float], least: int) -> None:
    splits = list(range(least, len(values) - least + 1))
    if splits:
        assert splits == [point.index for point in changepoints(values, least).changepoints]
    else:
        with pytest.raises(InvalidInput, match=f"values: at least {2 * least} are needed, not {len(values)}"):
            changepoints(values, least)


@unhurried
@given(series)
def test_every_split_is_that_of_scipy(values: list[float]) -> None:
    for point in changepoints(values, 2).changepoints:
        before, after = values[: point.index], values[point.index :]
        assert (near(np.mean(before)), near(np.mean(after))) == (point.before_mean, point.after_mean)
        if len(set(before)) > 1 < len(set(after)):
            expected = stats.ttest_ind(before, after, equal_var=False)
            assert (near(expected.statistic), near(expected.pvalue)) == (point.statistic, point.p_value)


@unhurried
@given(
    st.lists(st.integers(-1000, 1000), min_size=4, max_size=30),
    st.sampled_from([0.0, 1e6, -1e6]),
    st.sampled_from([1.0, 2.0**-20]),
    st.sampled_from([0.0, 1e6]),
)
def test_no_digit_is_lost_far_from_zero(steps: list[int], level: float, step: float, shift: float) -> None:
    """Against fractions, also where SciPy's own means are rounded: values around 1e6 that differ by millionths."""
    middle = len(steps) // 2
    values = [level + number * step + shift * (place >= middle) for place, number in enumerate(steps)]
    for point in changepoints(values, 2).changepoints:
        before, after = values[: point.index], values[point.index :]
        variance = exact_variance(before) / len(before) + exact_variance(after) / len(after)
        if variance:
            expected = float(exact_mean(before) - exact_mean(after)) / float(variance) ** 0.5
            assert pytest.approx(expected, rel=1e-9, abs=1e-12) == point.statistic


@pytest.mark.parametrize(
    "shape", ["noise", "far from zero", "an outlier first", "sums that round", "a large shift", "slow growth"]
)
def test_a_hundred_thousand_values_agree_with_scipy(shape: str) -> None:
    noise, place = np.random.default_rng(1).normal(size=100_000), np.arange(100_000)
    values, level = {
        "noise": (noise, 0.0),
        "far from zero": (1e6 + noise / 1000, 1e6),
        "an outlier first": (np.where(place > 0, 1e6 + noise, 0.0), 0.0),
        "sums that round": (np.where(place > 0, 70.1 + place % 2 / 1000, 0.0), 0.0),
        "a large shift": (noise + 1e6 * (place >= 50_000), 0.0),
        "slow growth": (noise + place / 1e5, 0.0),
    }[shape]
    found = changepoints(values.tolist()).changepoints
    near_zero = values - level  # exact, and SciPy's means keep their digits
    assert MOST_CHANGEPOINTS == len(found)
    for point in found[::49]:
        expected = stats.ttest_ind(near_zero[: point.index], near_zero[point.index :], equal_var=False)
        assert pytest.approx(expected.statistic, rel=1e-9, abs=1e-12) == point.statistic
        assert pytest.approx(expected.pvalue, rel=1e-9, abs=1e-300) == point.p_value


def test_of_more_than_a_thousand_splits_those_with_the_smallest_p_are_listed_in_order() -> None:
    noise = np.random.default_rng(3).normal(size=MOST_CHANGEPOINTS + 501)
    found = changepoints(noise.tolist(), 2)
    every = {}
    for index in range(2, len(noise) - 1):
        every[index] = stats.ttest_ind(noise[:index], noise[index:], equal_var=False).pvalue
    expected = sorted(sorted(every, key=every.__getitem__)[:MOST_CHANGEPOINTS])
    assert expected == [point.index for point in found.changepoints]
    assert MOST_CHANGEPOINTS < len(every)


def test_of_equal_splits_the_best_is_among_those_that_are_listed() -> None:
    found = changepoints([0.0] * 3_000 + [1.0] * 3_000)
    assert found.best_changepoint in found.changepoints
    assert found.best_changepoint is not None
    assert 3_000 == found.best_changepoint.index


def test_changepoints_cost_time_in_proportion_to_the_number_of_values() -> None:
    values = np.random.default_rng(2).normal(size=160_000).tolist()

    def seconds(number: int) -> float:
        started = perf_counter()
        changepoints(values[:number])
        return perf_counter() - started

    few, many = (min(seconds(number) for _ in range(3)) for number in (10_000, 160_000))
    assert many < 64 * few  # 16 times as many values; with a pass over all of them for each it would be 256


def test_the_nile_fell_in_1899() -> None:
    best = changepoints(NILE, 10).best_changepoint
    assert best is not None
    assert (1899, 1097.75, 849.97) == (1871 + best.index, best.before_mean, round(best.after_mean, 2))
    assert best.statistic > 0
    assert best.significant


def test_sleep_after_two_drugs_differs_as_r_prints_it() -> None:
    (middle,) = changepoints(FIRST_DRUG + SECOND_DRUG, 10).changepoints
    assert (10, -1.8608, 0.07939) == (middle.index, round(middle.statistic, 4), round(middle.p_value, 5))
    assert (0.75, 2.33, False) == (round(middle.before_mean, 9), round(middle.after_mean, 9), middle.significant)


@unhurried
@given(series, st.floats(0.01, 0.99))
def test_the_best_is_the_significant_one_with_the_smallest_p(values: list[float], alpha: float) -> None:
    found = changepoints(values, 2, alpha)
    assert [point.p_value < alpha for point in found.changepoints] == [
        point.significant for point in found.changepoints
    ]
    significant = [point.p_value for point in found.changepoints if point.significant]
    best = found.best_changepoint
    assert min(significant, default=None) == (best and best.p_value)
    assert best is None or best in found.changepoints


def test_of_splits_whose_p_vanishes_the_clearest_is_the_best() -> None:
    values = np.random.default_rng(3).normal(size=4000)
    values[2500:] += 1000
    found = changepoints(values.tolist())
    assert 1 < sum(point.p_value == 0 for point in found.changepoints)
    assert found.best_changepoint is not None
    assert 2500 == found.best_changepoint.index


@pytest.mark.parametrize(("low", "high"), [(1.0, 5.0), (0.1, 0.3), (0.0, 5e-324), (-1.7e308, 1.7e308)])
def test_two_constant_segments_leave_no_doubt(low: float, high: float) -> None:
    """Their statistic is infinite, which JSON cannot say."""
    found = changepoints([low] * 3 + [high] * 3)
    assert (Changepoint(3, -LARGEST, 0.0, low, high, True),) == found.changepoints
    assert found.changepoints[0] == found.best_changepoint
    assert LARGEST == changepoints([high] * 3 + [low] * 3).changepoints[0].statistic


@pytest.mark.parametrize("level", [0.0, 0.1, -1e6, 1.7e308, 5e-324])
def test_a_constant_series_changes_nowhere(level: float) -> None:
    found = changepoints([level] * 7, alpha=0.999)
    assert tuple(Changepoint(index, 0.0, 1.0, level, level, False) for index in (3, 4)) == found.changepoints
    assert found.best_changepoint is None


def test_a_constant_segment_is_tested_for_a_changepoint_like_any_other() -> None:
    before, after = [2.0, 2.0, 2.0], [3.0, 4.0, 3.5]
    (point,) = changepoints(before + after).changepoints
    expected = stats.ttest_1samp(after, 2.0)  # Welch's, where one side varies by nothing
    assert (near(-expected.statistic), near(expected.pvalue)) == (point.statistic, point.p_value)


@pytest.mark.parametrize(
    ("values", "least", "alpha", "reason"),
    [
        ([1, 2, 3, 4, 5], 3, 0.05, "values: at least 6 are needed, not 5"),
        ([1, 2, 3], 2, 0.05, "values: at least 4 are needed, not 3"),
        ([1, 2, 3, 4], 1, 0.05, "min_segment_size: at least 2 is needed"),
        ([1, 2, 3, 4], -3, 0.05, "min_segment_size: at least 2 is needed"),
        ([1, 2, 3, 4], 10**30, 0.05, f"values: at least {2 * 10**30} are needed, not 4"),
        ([1, 2, 3, 4], 2, 1.5, "alpha: must lie between 0 and 1, both left out"),
        ([1, 2, 3, float("-inf")], 2, 0.05, "values: every one must be a finite number"),
    ],
)
def test_the_refusal_of_a_changepoint_search_names_the_reason(
    values: list[float], least: int, alpha: float, reason: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        changepoints(values, least, alpha)
    assert reason == str(refused.value)
