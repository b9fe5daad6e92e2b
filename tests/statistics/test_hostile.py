"""Whatever floats there are: a finite result, or InvalidInput. Never a warning, NaN or infinity."""

from collections.abc import Callable
from math import isfinite
from typing import Any

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

from adapters.statistics.changepoint import changepoints
from adapters.statistics.comparison import compare
from adapters.statistics.correlation import coefficient, correlate
from adapters.statistics.results import Cohort, InvalidInput, Method
from adapters.statistics.trend import trend
from tests.statistics.numbers import decimals, hostile, hostile_series, unhurried

alphas = st.sampled_from([0.05, 1e-300, 1 - 2**-53]) | st.floats()

pairs = st.lists(st.tuples(hostile, hostile), max_size=10)


def asked(question: Callable[[], Any]) -> Any:
    """What is answered, every number of it finite; None where it is refused."""
    try:
        answer = question()
    except InvalidInput:
        return None
    _require_finite(msgspec.to_builtins(answer))
    return answer


def _require_finite(part: Any) -> None:
    match part:
        case dict():
            for member in part.values():
                _require_finite(member)
        case list() | tuple():
            for member in part:
                _require_finite(member)
        case float():
            assert isfinite(part)


@unhurried
@given(hostile_series, st.none() | hostile_series, alphas)
@example([1e308, -1e308, 1e308], [0.0, 1e-300, 1.0], 0.05)
@example([5e-324, 0.0, 5e-324], [1e308, -1e308, 0.0], 0.05)
def test_every_series_has_a_finite_trend_or_none(values: list[float], x: list[float] | None, alpha: float) -> None:
    found = asked(lambda: trend(values, x, alpha))
    if found is not None:
        assert found.confidence_interval.low <= found.slope <= found.confidence_interval.high
        assert 0 <= found.p_value <= 1
        assert -1 <= found.r_value <= 1


@unhurried
@given(pairs, alphas)
def test_every_cloud_has_a_finite_trend_or_none(pairs: list[tuple[float, float]], alpha: float) -> None:
    asked(lambda: trend([y for _, y in pairs], [x for x, _ in pairs], alpha))


@unhurried
@given(hostile_series, st.integers(-1, 6), alphas)
@example([1e-170, 2e-170, 1e-170, 1.0, 1.0, 1.0], 3, 0.05)
@example([1e20, 1.0, 2.0, 3.0, 1.0, 2.0], 2, 0.05)
@example([1e32, 1e32, -5.4e-286, -5.4e-286], 2, 0.05)
def test_every_series_has_finite_changepoints_or_none(values: list[float], least: int, alpha: float) -> None:
    found = asked(lambda: changepoints(values, least, alpha))
    if found is not None:
        assert all(0 <= point.p_value <= 1 for point in found.changepoints)
        rounding = 1e-15 * max(map(abs, values))
        for mean in (mean for point in found.changepoints for mean in (point.before_mean, point.after_mean)):
            assert min(values) - rounding <= mean <= max(values) + rounding


@unhurried
@given(pairs, st.sampled_from(["pearson", "spearman"]), alphas)
@example([*[(0.0, 0.0)] * 8, (0.0, 1.0), (1.0, 1.0)], "pearson", 1 - 2**-53)
def test_every_cloud_has_a_finite_correlation_or_none(
    pairs: list[tuple[float, float]], method: Method, alpha: float
) -> None:
    x, y = [x for x, _ in pairs], [y for _, y in pairs]
    found = asked(lambda: correlate(x, y, method, alpha))
    if found is not None:
        interval = found.confidence_interval
        assert -1 <= interval.low <= found.statistic <= interval.high <= 1
        assert 0 <= found.p_value <= 1
    asked(lambda: coefficient(x, y, method))


@unhurried
@given(hostile_series, hostile_series, st.sampled_from(["pearson", "spearman"]))
def test_any_two_series_have_a_finite_correlation_or_none(x: list[float], y: list[float], method: Method) -> None:
    asked(lambda: correlate(x, y, method))


@unhurried
@given(st.lists(pairs, max_size=5), st.booleans())
@example([[(0.0, 1e-200), (0.0, 3e-200)], [(0.0, 1.0), (0.0, 1.0)]], True)
def test_any_cohorts_have_a_finite_comparison_or_none(
    cohorts: list[list[tuple[float, float]]], higher_is_better: bool
) -> None:
    found = asked(
        lambda: compare(
            [Cohort(None, decimals([first for first, _ in of]), decimals([last for _, last in of])) for of in cohorts],
            higher_is_better=higher_is_better,
        )
    )
    if found is not None:
        assert all(0 <= p <= 1 for p in (found.p_value, *(group.p_value for group in found.groups)) if p is not None)
