"""The statistics of the contract worked out without SciPy: sums as fractions, tails by the incomplete beta function."""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from math import atanh, exp, inf, isclose, lgamma, log, log1p, sqrt, tanh
from statistics import NormalDist
from typing import Any

Body = dict[str, Any]
CLOSE = 1e-9


def assert_close(expected: Any, actual: Any, where: str = "answer") -> None:
    """Equal, but for numbers, which may differ by a billionth."""
    if isinstance(expected, dict):
        assert isinstance(actual, dict), where
        assert expected.keys() == actual.keys(), where
        for name, value in expected.items():
            assert_close(value, actual[name], f"{where}.{name}")
    elif isinstance(expected, list):
        assert isinstance(actual, list), where
        assert len(expected) == len(actual), where
        for index, value in enumerate(expected):
            assert_close(value, actual[index], f"{where}[{index}]")
    elif isinstance(expected, bool | str | None):
        assert expected is actual or (isinstance(actual, str) and expected == actual), f"{where}: {actual!r}"
    else:
        assert isinstance(actual, int | float), f"{where}: {actual!r}"
        assert not isinstance(actual, bool), where
        near = isclose(expected, actual, rel_tol=CLOSE, abs_tol=CLOSE)
        assert near, f"{where}: expected {expected!r}, actual {actual!r}"


def integers(values: Sequence[float]) -> tuple[list[int], int]:
    """The values exactly, times the power of two that is given with them."""
    ratios = [value.as_integer_ratio() for value in values]
    scale = max(denominator for _, denominator in ratios)
    return [numerator * (scale // denominator) for numerator, denominator in ratios], scale


def mean(values: Sequence[float]) -> Fraction:
    scaled, scale = integers(values)
    return Fraction(sum(scaled), scale * len(values))


def products(x: Sequence[float], y: Sequence[float]) -> Fraction:
    """The sum of the products of what each pair lies off the means."""
    (a, scale_a), (b, scale_b) = integers(x), integers(y)
    both = sum(one * other for one, other in zip(a, b, strict=True))
    return Fraction(len(a) * both - sum(a) * sum(b), len(a) * scale_a * scale_b)


def incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularised one, by its continued fraction (Numerical Recipes, 6.4)."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - incomplete_beta(b, a, 1 - x)
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1))
    total = d
    for m in range(1, 1000):
        for step in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d, c = 1 / (1 + step * d), 1 + step / c
            total *= d * c
        if abs(d * c - 1) < 1e-16:
            break
    return exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x)) * total / a


def p_of_t(t: float, degrees_of_freedom: float) -> float:
    """Of both tails."""
    return (
        0.0
        if t in (inf, -inf)
        else incomplete_beta(degrees_of_freedom / 2, 0.5, degrees_of_freedom / (degrees_of_freedom + t * t))
    )


def p_of_f(f: float, between: int, within: int) -> float:
    return incomplete_beta(within / 2, between / 2, within / (within + between * f))


def critical_t(degrees_of_freedom: float, alpha: float) -> float:
    """The t that is passed on both sides together with the probability alpha."""
    low, high = 0.0, 1.0
    while p_of_t(high, degrees_of_freedom) > alpha:
        high *= 2
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if p_of_t(middle, degrees_of_freedom) > alpha else (low, middle)
    return low


def line(y: Sequence[float], x: Sequence[float] | None = None, alpha: float = 0.05) -> Body:
    """What `/cohort/trend` answers."""
    x = range(len(y)) if x is None else x
    degrees_of_freedom = len(y) - 2
    slope = products(x, y) / products(x, x)
    intercept = mean(y) - slope * mean(x)
    residual = products(y, y) - slope * products(x, y)
    r = float(products(x, y)) / sqrt(products(x, x) * products(y, y))
    error = sqrt(residual / degrees_of_freedom / products(x, x))
    p = p_of_t(float(slope) / error, degrees_of_freedom) if error else 0.0
    reach = critical_t(degrees_of_freedom, alpha) * error
    return {
        "method": "linear_regression",
        "sample_size": len(y),
        "slope": float(slope),
        "intercept": float(intercept),
        "r_value": r,
        "r_squared": r * r,
        "p_value": p,
        "standard_error": error,
        "confidence_interval": {"low": float(slope) - reach, "high": float(slope) + reach},
        "significant": p < alpha,
        "direction": ("increasing" if slope > 0 else "decreasing") if p < alpha else "stable",
        "predictions": [float(intercept + slope * Fraction(one)) for one in x],
        "residual_standard_deviation": sqrt(residual / degrees_of_freedom),
    }


def ranks(values: Sequence[float]) -> list[float]:
    """From 1; equal values share the mean of their ranks."""
    return [sum(v < value for v in values) + (sum(v == value for v in values) + 1) / 2 for value in values]


def correlation(x: Sequence[float], y: Sequence[float], method: str = "pearson", alpha: float = 0.05) -> Body:
    """What `/patterns/correlate` answers."""
    size, variance = len(x), 1.0
    if method == "spearman":
        x, y, variance = ranks(x), ranks(y), 1.06
    r = float(products(x, y)) / sqrt(products(x, x) * products(y, y))
    p = p_of_t(r * sqrt((size - 2) / (1 - r * r)), size - 2) if abs(r) < 1 else 0.0
    reach = NormalDist().inv_cdf(1 - alpha / 2) * sqrt(variance / (size - 3))
    low, high = (tanh(atanh(r) - reach), tanh(atanh(r) + reach)) if abs(r) < 1 else (r, r)
    interval = {"low": low, "high": high}
    return {
        "method": method,
        "statistic": r,
        "p_value": p,
        "sample_size": size,
        "confidence_interval": interval,
        "significant": p < alpha,
    }


def split(values: Sequence[float], index: int, alpha: float = 0.05) -> Body:
    """One of the changepoints: Welch's t test of what is before the index against the rest."""
    before, after = values[:index], values[index:]
    spread = [products(part, part) / (len(part) - 1) / len(part) for part in (before, after)]
    t = float(mean(before) - mean(after)) / sqrt(sum(spread))
    own = [one**2 / (len(part) - 1) for one, part in zip(spread, (before, after), strict=True)]
    p = p_of_t(t, float(sum(spread) ** 2 / sum(own)))
    return {
        "index": index,
        "statistic": t,
        "p_value": p,
        "before_mean": float(mean(before)),
        "after_mean": float(mean(after)),
        "significant": p < alpha,
    }


def p_of_pairs(changes: Sequence[float]) -> float:
    """The paired t test, of the differences."""
    error = sqrt(products(changes, changes) / (len(changes) - 1) / len(changes))
    return p_of_t(float(mean(changes)) / error, len(changes) - 1)


def p_of_groups(groups: Iterable[Sequence[float]]) -> float:
    """One-way ANOVA."""
    parts = list(groups)
    whole = [value for part in parts for value in part]
    inside = sum((products(part, part) for part in parts), Fraction())
    between, within = len(parts) - 1, len(whole) - len(parts)
    return p_of_f(float((products(whole, whole) - inside) / between / (inside / within)), between, within)
