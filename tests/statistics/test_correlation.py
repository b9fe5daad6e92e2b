"""Correlations are SciPy's, and what was published of known data."""

import warnings
from typing import cast

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from adapters.statistics.correlation import coefficient, correlate
from adapters.statistics.results import ConfidenceInterval, InvalidInput, Method
from tests.statistics.numbers import near, plain, unhurried
from tests.statistics.published import DISTANCE, LIGHTNESS, SCORE, SPEED, chicks

METHODS: list[Method] = ["pearson", "spearman"]


pairs = st.lists(st.tuples(plain, plain), min_size=4, max_size=60)


@unhurried
@given(pairs, st.floats(0.001, 0.999))
def test_pearson_is_that_of_scipy(pairs: list[tuple[float, float]], alpha: float) -> None:
    x, y = map(list, zip(*pairs, strict=True))
    assume(len(set(x)) > 1 and len(set(y)) > 1)
    expected, found = stats.pearsonr(x, y), correlate(x, y, "pearson", alpha)
    interval = expected.confidence_interval(1 - alpha)
    assert (near(expected.statistic), near(expected.pvalue)) == (found.statistic, found.p_value)
    assert near(interval.low) == found.confidence_interval.low
    assert near(interval.high) == found.confidence_interval.high
    assert (found.p_value < alpha, len(x)) == (found.significant, found.sample_size)


@unhurried
@given(pairs)
def test_spearman_is_that_of_scipy(pairs: list[tuple[float, float]]) -> None:
    x, y = map(list, zip(*pairs, strict=True))
    assume(len(set(x)) > 1 and len(set(y)) > 1)
    expected, found = stats.spearmanr(x, y), correlate(x, y, "spearman")
    assert (near(expected.statistic), near(expected.pvalue)) == (found.statistic, found.p_value)
    assert found.confidence_interval.low <= found.statistic <= found.confidence_interval.high


@unhurried
@given(pairs)
def test_spearman_sees_only_the_order(pairs: list[tuple[float, float]]) -> None:
    x, y = map(list, zip(*pairs, strict=True))
    assume(len(set(x)) > 1 and len(set(y)) > 1)
    stretched = [value**3 * 1e290 for value in x]
    assert correlate(x, y, "spearman") == correlate(stretched, y, "spearman")


def test_spearman_distinguishes_small_numbers_next_to_a_large_one() -> None:
    assert 1 == correlate([1e300, 1, 2, 3], [9, 1, 2, 3], "spearman").statistic


def test_lightness_and_score_of_tuna_correlate_as_r_prints_it() -> None:
    found = correlate(LIGHTNESS, SCORE)
    interval = found.confidence_interval
    assert (0.5711816, 0.1082, False) == (round(found.statistic, 7), round(found.p_value, 4), found.significant)
    assert (-0.1497426, 0.8955795) == (round(interval.low, 7), round(interval.high, 7))


def test_speed_and_distance_correlate_as_r_prints_it() -> None:
    found = correlate(SPEED, DISTANCE)
    interval = found.confidence_interval
    assert (0.8068949, "1.490e-12", True) == (round(found.statistic, 7), f"{found.p_value:.3e}", found.significant)
    assert (0.6816422, 0.8862036) == (round(interval.low, 7), round(interval.high, 7))
    assert 0.8303568 == round(correlate(SPEED, DISTANCE, "spearman").statistic, 7)


def test_weight_and_age_of_chicks_correlate_as_r_prints_it() -> None:
    found = coefficient(*chicks())
    assert (0.8371017, "strong", "positive") == (round(found.coefficient, 7), found.strength, found.direction)


def test_spearmans_interval_is_wider_by_its_variance() -> None:
    """atanh(0.8) ± 1.959964 · sqrt(1.06 / 2), by hand."""
    interval = correlate([1, 2, 3, 4, 5], [2, 1, 3, 5, 4], "spearman").confidence_interval
    assert (-0.316959, 0.987275) == (round(interval.low, 6), round(interval.high, 6))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("size", [4, 5, 30])
@pytest.mark.parametrize(("step", "sign"), [(0.1, 1.0), (-1e-7, -1.0)])
def test_pairs_on_a_line_have_an_interval_without_width(method: Method, size: int, step: float, sign: float) -> None:
    found = correlate([float(number) for number in range(size)], [step * number for number in range(size)], method)
    assert (sign, 0, True) == (found.statistic, found.p_value, found.significant)
    assert ConfidenceInterval(sign, sign) == found.confidence_interval


def test_a_nearly_constant_series_keeps_its_digits() -> None:
    """SciPy warns of it, and loses them."""
    noise = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0]
    far = [2.0**40 + number * 2.0**-12 for number in noise]
    with pytest.warns(stats.NearConstantInputWarning):
        stats.pearsonr([2.0**50 + number for number in noise], noise[::-1])
    with warnings.catch_warnings(action="error"):
        correlate([2.0**50 + number for number in noise], noise[::-1])
    assert correlate(noise, noise[::-1]) == correlate(far, noise[::-1])


@pytest.mark.parametrize(
    ("r", "strength"),
    [(0.95, "strong"), (0.7, "strong"), (0.69, "moderate"), (0.4, "moderate"), (0.39, "weak"), (0.09, "negligible")],
)
@pytest.mark.parametrize(("sign", "direction"), [(1, "positive"), (-1, "negative")])
def test_a_correlation_coefficient_is_described_by_strength_and_direction(
    r: float, strength: str, sign: int, direction: str
) -> None:
    x, beside = [1.0, 1.0, -1.0, -1.0], [1.0, -1.0, 1.0, -1.0]
    y = [sign * r * along + (1 - r**2) ** 0.5 * aside for along, aside in zip(x, beside, strict=True)]
    found = coefficient(x, y)
    assert pytest.approx(sign * r) == found.coefficient
    assert (strength, direction) == (found.strength, found.direction)


@pytest.mark.parametrize("method", METHODS)
def test_uncorrelated_samples_have_no_direction(method: Method) -> None:
    found = coefficient([0.1, 0.2, 0.3, 0.4, 0.5], [0.3, 0.7, 0.9, 0.7, 0.3], method)
    assert ("none", "negligible") == (found.direction, found.strength)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("x", "y", "reason"),
    [
        ([1, 2, 3], [1, 2, 3], "x: at least 4 are needed, not 3"),
        ([1, 2, 3, 4], [1, 2, 3], "y: at least 4 are needed, not 3"),
        ([1, 2, 3, 4, 5], [1, 2, 3, 4], "y: as many as x are needed, 5, not 4"),
        ([1, 1, 1, 1], [1, 2, 3, 4], "x: at least two must differ"),
        ([1, 2, 3, 4], [0.1, 0.1, 0.1, 0.1], "y: at least two must differ"),
        ([1, 2, 3, float("nan")], [1, 2, 3, 4], "x: every one must be a finite number"),
        ([1, 2, 3, 4], [1, 2, 3, float("inf")], "y: every one must be a finite number"),
    ],
)
def test_the_refusal_of_a_correlation_names_the_reason(
    method: Method, x: list[float], y: list[float], reason: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        correlate(x, y, method)
    assert reason == str(refused.value)


def test_a_refusal_names_the_series_as_the_question_did() -> None:
    with pytest.raises(InvalidInput, match="outcome_id_b: at least two must differ"):
        coefficient([1, 2, 3, 4], [1, 1, 1, 1], members=("outcome_id_a", "outcome_id_b"))


def test_another_method_is_refused() -> None:
    with pytest.raises(InvalidInput, match="method: must be pearson or spearman"):
        correlate([1, 2, 3, 4], [1, 2, 3, 5], cast("Method", "kendall"))
