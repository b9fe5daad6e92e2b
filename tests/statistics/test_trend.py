"""The trend is SciPy's, and what was published of known data."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from adapters.statistics.results import ConfidenceInterval, InvalidInput
from adapters.statistics.trend import trend
from tests.statistics.numbers import near, plain, unhurried
from tests.statistics.published import DISTANCE, NORRIS_X, NORRIS_Y, SPEED, chicks, daily_means


@unhurried
@given(st.lists(st.tuples(plain, plain), min_size=3, max_size=60), st.floats(0.001, 0.999))
def test_a_trend_is_that_of_scipy(pairs: list[tuple[float, float]], alpha: float) -> None:
    x, values = map(list, zip(*pairs, strict=True))
    assume(len(set(x)) > 1 and len(set(values)) > 1)
    expected, found = stats.linregress(x, values), trend(values, x, alpha)
    assume(expected.rvalue**2 < 1 - 1e-6)  # beyond, SciPy's own standard error keeps too few digits
    half = stats.t.ppf(1 - alpha / 2, len(x) - 2) * expected.stderr
    residuals = np.asarray(values) - (expected.intercept + expected.slope * np.asarray(x))
    assert near(expected.slope) == found.slope
    assert near(expected.intercept) == found.intercept
    assert near(expected.rvalue) == found.r_value
    assert near(expected.rvalue**2) == found.r_squared
    assert near(expected.pvalue) == found.p_value
    assert near(expected.stderr) == found.standard_error
    assert near(expected.slope - half) == found.confidence_interval.low
    assert near(expected.slope + half) == found.confidence_interval.high
    assert near(np.sqrt(np.sum(residuals**2) / (len(x) - 2))) == found.residual_standard_deviation
    assert pytest.approx(np.asarray(values) - residuals, rel=1e-9, abs=1e-7) == list(found.predictions)
    assert (found.p_value < alpha) == found.significant
    assert (found.direction == "stable") == (not found.significant)


def test_a_trend_without_x_counts_from_zero() -> None:
    assert trend([3, 1, 4, 1, 5], [0, 1, 2, 3, 4]) == trend([3, 1, 4, 1, 5])


def test_the_distance_to_stop_grows_with_speed_as_r_prints_it() -> None:
    found = trend(DISTANCE, SPEED)
    assert (50, 3.9324, -17.5791) == (found.sample_size, round(found.slope, 4), round(found.intercept, 4))
    assert (0.4155, 0.6511, 15.38) == (
        round(found.standard_error, 4),
        round(found.r_squared, 4),
        round(found.residual_standard_deviation, 2),
    )
    assert "1.490e-12" == f"{found.p_value:.3e}"
    interval = found.confidence_interval
    assert (3.096964, 4.767853) == (round(interval.low, 6), round(interval.high, 6))
    assert "increasing" == found.direction


def test_nist_certifies_the_calibration_of_ozone_monitors() -> None:
    found = trend(NORRIS_Y, NORRIS_X)
    assert pytest.approx(1.00211681802045, rel=1e-13) == found.slope
    assert pytest.approx(-0.262323073774029, rel=1e-11) == found.intercept
    assert pytest.approx(0.429796848199937e-3, rel=1e-12) == found.standard_error
    assert pytest.approx(0.999993745883712, rel=1e-14) == found.r_squared
    assert pytest.approx(0.884796396144373, rel=1e-12) == found.residual_standard_deviation


def test_the_chicks_grow_as_r_prints_it() -> None:
    days, weights = chicks()
    found = trend(weights, days)
    assert (578, 8.803, 27.4674) == (found.sample_size, round(found.slope, 4), round(found.intercept, 4))
    assert (0.2397, 0.7007, 38.91) == (
        round(found.standard_error, 4),
        round(found.r_squared, 4),
        round(found.residual_standard_deviation, 2),
    )


@pytest.mark.parametrize(
    ("diet", "slope", "intercept"),
    [("1", 6.842, 30.931), ("2", 8.609, 28.634), ("3", 11.423, 18.250), ("4", 9.714, 30.792)],
)
def test_the_chicks_of_a_diet_grow_as_r_prints_it(diet: str, slope: float, intercept: float) -> None:
    days, weights = chicks(diet)
    found = trend(weights, days)
    assert (slope, intercept) == (round(found.slope, 3), round(found.intercept, 3))


@pytest.mark.parametrize("diet", ["1", "2", "3", "4"])
def test_the_daily_means_of_a_diet_grow(diet: str) -> None:
    days, means = daily_means(diet)
    found, expected = trend(means, days), stats.linregress(days, means)
    assert "increasing" == found.direction
    assert pytest.approx([expected.slope, expected.pvalue, expected.stderr], rel=1e-9) == [
        found.slope,
        found.p_value,
        found.standard_error,
    ]


@pytest.mark.parametrize(
    ("step", "direction"), [(1.0, "increasing"), (-2.5, "decreasing"), (0.1, "increasing"), (-1e-7, "decreasing")]
)
@pytest.mark.parametrize("size", [3, 4, 17, 1000])
def test_values_on_a_line_leave_no_doubt(size: int, step: float, direction: str) -> None:
    values = [step * number for number in range(size)]
    found = trend(values)
    assert (0, 0, True, direction) == (found.p_value, found.standard_error, found.significant, found.direction)
    assert 1 == abs(found.r_value) == found.r_squared
    assert ConfidenceInterval(found.slope, found.slope) == found.confidence_interval
    assert pytest.approx(values, rel=1e-12) == list(found.predictions)


def test_constant_values_are_stable() -> None:
    found = trend([0.1] * 7, alpha=0.999)
    assert (0, 0.1, 0, 1, "stable") == (found.slope, found.intercept, found.r_value, found.p_value, found.direction)
    assert (ConfidenceInterval(0, 0), (0.1,) * 7) == (found.confidence_interval, found.predictions)


def test_a_nearly_perfect_fit_keeps_its_digits() -> None:
    """Of y = x ± 1e-9 SciPy itself says a standard error of 0: its 1 - r² is lost in rounding."""
    noise = [1, -1, -1, 1] * 8
    values = [number + sign * 2**-30 for number, sign in enumerate(noise)]
    of_the_noise = trend(noise)
    found = trend(values)
    assert pytest.approx(of_the_noise.standard_error * 2**-30, rel=1e-6) == found.standard_error
    assert 0 < found.p_value < 1e-200


@unhurried
@given(st.lists(st.integers(-1000, 1000), min_size=3, max_size=30).filter(lambda steps: len(set(steps)) > 1))
def test_a_trend_of_values_far_from_zero_is_as_precise_as_near_zero(steps: list[int]) -> None:
    near, far = (trend([level + step / 2**20 for step in steps]) for level in (0.0, 2.0**20))
    assert pytest.approx([near.slope, near.p_value, near.standard_error, near.r_value], rel=1e-9, abs=1e-18) == [
        far.slope,
        far.p_value,
        far.standard_error,
        far.r_value,
    ]


@unhurried
@given(st.lists(plain, min_size=3, max_size=12), st.integers(-900, 900))
def test_units_change_only_what_has_a_unit(values: list[float], exponent: int) -> None:
    found, scaled = trend(values), trend([value * 2.0**exponent for value in values])
    assert (found.r_value, found.p_value, found.direction) == (scaled.r_value, scaled.p_value, scaled.direction)
    assert found.slope * 2.0**exponent == scaled.slope


@pytest.mark.parametrize(
    ("values", "x", "alpha", "reason"),
    [
        ([], None, 0.05, "values: at least 3 are needed, not 0"),
        ([1, 2], None, 0.05, "values: at least 3 are needed, not 2"),
        ([1, 2, 3], [1, 2], 0.05, "x: as many as values are needed, 3, not 2"),
        ([1, 2, 3], [2, 2, 2], 0.05, "x: at least two must differ"),
        ([1, 2, float("nan")], None, 0.05, "values: every one must be a finite number"),
        ([1, 2, 3], [1, 2, float("inf")], 0.05, "x: every one must be a finite number"),
        ([1, 2, 10**400], None, 0.05, "values: every one must be a finite number"),
        ([1, 2, 4], None, 0.0, "alpha: must lie between 0 and 1, both left out"),
        ([1, 2, 4], None, 1.0, "alpha: must lie between 0 and 1, both left out"),
        ([1, 2, 4], None, float("nan"), "alpha: must lie between 0 and 1, both left out"),
        ([1, 2, 4], None, 5e-324, "alpha: too small to compute with"),
        ([1e308, -1e308, 1e308], [0, 1e-9, 3e-9], 0.05, "values: too large, too small or too far apart"),
    ],
)
def test_the_refusal_of_a_trend_names_the_reason(
    values: list[float], x: list[float] | None, alpha: float, reason: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        trend(values, x, alpha)
    assert str(refused.value).startswith(reason)
    assert reason.partition(":")[0] == refused.value.member
