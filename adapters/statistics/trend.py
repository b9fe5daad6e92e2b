"""The straight line through values: least squares, as `scipy.stats.linregress`."""

from collections.abc import Sequence
from math import copysign, sqrt

import numpy as np
from scipy import stats

from adapters.statistics import student
from adapters.statistics.results import ConfidenceInterval, InvalidInput, Trend
from adapters.statistics.series import (
    PRECISION,
    Floats,
    check_alpha,
    checked,
    constant,
    mean_and_deviations,
    require_finite,
    restored,
    scaled,
)

LEAST = 3


@np.errstate(all="ignore")
def trend(values: Sequence[float], x: Sequence[float] | None = None, alpha: float = 0.05) -> Trend:
    """The trend of `values` over `x`, or over 0, 1, 2, …

    Values on a line up to rounding have p 0 and errors of 0; constant values have slope 0, r 0 and p 1.
    InvalidInput for fewer than three values, another number of `x`, constant `x`, and infinite results.
    """
    check_alpha(alpha)
    ys = checked("values", values, least=LEAST)
    if x is not None and len(x) != len(ys):
        raise InvalidInput("x", f"as many as values are needed, {len(ys)}, not {len(x)}")
    xs = np.arange(len(ys), dtype=np.float64) if x is None else checked("x", x, least=LEAST)
    if constant(xs):
        raise InvalidInput("x", "at least two must differ")
    return _flat(ys) if constant(ys) else _line(xs, ys, alpha)


def _line(xs: Floats, ys: Floats, alpha: float) -> Trend:
    (across, x_exponent), (up, y_exponent) = scaled(xs), scaled(ys)
    (x_mean, dx), (y_mean, dy) = mean_and_deviations(across), mean_and_deviations(up)
    fit = stats.linregress(dx, dy)
    slope, r, degrees_of_freedom = float(fit.slope), float(fit.rvalue), len(ys) - 2
    unexplained = float(np.sum((dy - slope * dx) ** 2))
    if unexplained <= (4 * PRECISION) ** 2 * float(np.sum(dy**2)):
        r, p, error, unexplained = copysign(1.0, slope), 0.0, 0.0, 0.0
    else:  # of the residuals: SciPy's come of 1 - r², which keeps few digits of a nearly perfect fit
        error = sqrt(unexplained / degrees_of_freedom) / sqrt(float(np.sum(dx**2)))
        p = student.two_sided(slope / error, degrees_of_freedom)
    margin = student.critical_value(alpha, degrees_of_freedom) * error
    low, middle, high, standard_error = (
        restored(number, y_exponent - x_exponent) for number in (slope - margin, slope, slope + margin, error)
    )
    intercept = restored(y_mean - slope * x_mean, y_exponent)
    predictions: Floats = np.ldexp(y_mean + slope * dx, y_exponent)
    residual = restored(sqrt(unexplained / degrees_of_freedom), y_exponent)
    require_finite("values", low, middle, high, standard_error, p, r, intercept, residual, predictions)
    return Trend(
        method="linear_regression",
        sample_size=len(ys),
        slope=middle,
        intercept=intercept,
        r_value=r,
        r_squared=r * r,
        p_value=p,
        standard_error=standard_error,
        confidence_interval=ConfidenceInterval(low, high),
        significant=p < alpha,
        direction="stable" if p >= alpha else "increasing" if slope > 0 else "decreasing",
        predictions=tuple(predictions.tolist()),
        residual_standard_deviation=residual,
    )


def _flat(ys: Floats) -> Trend:
    return Trend(
        method="linear_regression",
        sample_size=len(ys),
        slope=0.0,
        intercept=float(ys[0]),
        r_value=0.0,
        r_squared=0.0,
        p_value=1.0,
        standard_error=0.0,
        confidence_interval=ConfidenceInterval(0.0, 0.0),
        significant=False,
        direction="stable",
        predictions=tuple(ys.tolist()),
        residual_standard_deviation=0.0,
    )
