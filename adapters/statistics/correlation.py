"""The correlation of two series: Pearson's and Spearman's coefficients, as SciPy computes them."""

from collections.abc import Sequence
from math import atanh, copysign, sqrt, tanh

import numpy as np
from scipy import special, stats

from adapters.statistics.results import Coefficient, ConfidenceInterval, Correlation, InvalidInput, Method, Strength
from adapters.statistics.series import PRECISION, Floats, check_alpha, checked, constant, require_finite, scaled

LEAST = 4

VARIANCES: dict[Method, float] = {"pearson": 1.0, "spearman": 1.06}
"""Of Fisher's z, times n - 3. Spearman's: Fieller, Hartley and Pearson (1957), Biometrika 44."""

STRENGTHS: tuple[tuple[float, Strength], ...] = ((0.7, "strong"), (0.4, "moderate"), (0.1, "weak"), (0.0, "negligible"))

NO_DIRECTION = 1e-9
"""Coefficients are accurate to this much: the sign of a smaller one means nothing."""


@np.errstate(all="ignore")
def correlate(
    x: Sequence[float],
    y: Sequence[float],
    method: Method = "pearson",
    alpha: float = 0.05,
    *,
    members: tuple[str, str] = ("x", "y"),
) -> Correlation:
    """The correlation of pairs, with its interval by Fisher's z; of ±1 up to rounding that has no width, and p is 0.

    `members` names the two series in errors. InvalidInput for fewer than four pairs, different lengths,
    constant ones, and another method.
    """
    check_alpha(alpha)
    if method not in VARIANCES:
        raise InvalidInput("method", f"must be {' or '.join(VARIANCES)}")
    columns = [checked(member, numbers, least=LEAST) for member, numbers in zip(members, (x, y), strict=True)]
    if len(x) != len(y):
        raise InvalidInput(members[1], f"as many as {members[0]} are needed, {len(x)}, not {len(y)}")
    for member, column in zip(members, columns, strict=True):
        if constant(column):
            raise InvalidInput(member, "at least two must differ")
    result = stats.pearsonr(*map(_anchored, columns)) if method == "pearson" else stats.spearmanr(*columns)
    r, p = float(result.statistic), float(result.pvalue)
    if 1 - abs(r) <= 4 * PRECISION:
        r, p = copysign(1.0, r), 0.0
    interval = _interval(r, len(x), VARIANCES[method], alpha)
    require_finite(members[0], r, p, interval.low, interval.high)
    return Correlation(
        method=method,
        statistic=r,
        p_value=p,
        sample_size=len(x),
        confidence_interval=interval,
        significant=p < alpha,
    )


def coefficient(
    x: Sequence[float],
    y: Sequence[float],
    method: Method = "pearson",
    *,
    members: tuple[str, str] = ("x", "y"),
) -> Coefficient:
    """The correlation of pairs, with its strength and direction in words. Raises what `correlate` raises."""
    found = correlate(x, y, method, members=members)
    r = found.statistic
    return Coefficient(
        coefficient=r,
        p_value=found.p_value,
        sample_size=found.sample_size,
        method=method,
        strength=next(word for least, word in STRENGTHS if abs(r) >= least),
        direction="none" if abs(r) < NO_DIRECTION else "positive" if r > 0 else "negative",
    )


def _anchored(column: Floats) -> Floats:
    """Values with the same Pearson correlation: SciPy loses digits when values are close together but far from 0."""
    small, _ = scaled(column)
    from_first: Floats = small - small[0]
    return from_first


def _interval(r: float, pairs: int, variance: float, alpha: float) -> ConfidenceInterval:
    if abs(r) == 1:
        return ConfidenceInterval(r, r)
    margin = -float(special.ndtri(alpha / 2)) * sqrt(variance / (pairs - 3))
    low, high = tanh(atanh(r) - margin), tanh(atanh(r) + margin)
    return ConfidenceInterval(min(low, r), max(high, r))  # rounding must not leave the coefficient outside
