"""Prepares series of numbers for statistics: validates, anchors and scales them by a power of two.

Scaling is exact; it keeps squares from overflow and underflow. Deviations from the first value are exact when the
values lie close together, however far from zero: their mean keeps digits that the mean of the values would lose, and
the deviations of a constant series are 0.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from adapters.statistics.results import InvalidInput

Floats = NDArray[np.float64]

LARGEST = float(np.finfo(np.float64).max)
PRECISION = float(np.finfo(np.float64).eps)


def checked(member: str, numbers: Sequence[float], *, least: int) -> Floats:
    """InvalidInput for fewer than `least` numbers, or for one that is not finite."""
    if len(numbers) < least:
        raise InvalidInput(member, f"at least {least} are needed, not {len(numbers)}")
    try:
        values = np.asarray(numbers, dtype=np.float64)
    except OverflowError as error:  # an int that no float can hold
        raise InvalidInput(member, "every one must be a finite number") from error
    if not np.isfinite(values).all():
        raise InvalidInput(member, "every one must be a finite number")
    return values


def check_alpha(alpha: float) -> None:
    """InvalidInput when `alpha` is not a level of significance."""
    if not 0 < alpha < 1:
        raise InvalidInput("alpha", "must lie between 0 and 1, both left out")


def constant(values: Floats) -> bool:
    return bool(values.min() == values.max())


def scaled(values: Floats) -> tuple[Floats, int]:
    """The values with a magnitude below 1, and the exponent of 2 that restores them."""
    exponent = int(np.frexp(np.abs(values).max())[1])
    return np.ldexp(values, -exponent), exponent


def mean_and_deviations(values: Floats) -> tuple[float, Floats]:
    """The mean, and the deviation of each value from it."""
    from_first = values - values[0]
    mean = float(from_first.mean())
    return float(values[0] + mean), from_first - mean


def restored(number: float, exponent: int) -> float:
    """A result of scaled values on the original scale; infinite when no float can hold it."""
    return float(np.ldexp(number, exponent))


def require_finite(member: str, *results: float | Floats) -> None:
    """InvalidInput when a result is not finite: the values are too large, too small or too far apart for floats."""
    if not all(np.isfinite(result).all() for result in results):
        raise InvalidInput(member, "too large, too small or too far apart for a finite result")
