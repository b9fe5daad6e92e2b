"""Series of numbers made fit for statistics: checked, anchored, and scaled by a power of two.

Scaling is exact and keeps squares from overflowing and from vanishing. Deviations from the series' first value are
exact where the values lie close together, however far from zero: a mean taken of them keeps the digits that a mean of
the values themselves would lose, and a constant series deviates by nothing at all.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from adapters.statistics.results import InvalidInput

Floats = NDArray[np.float64]

LARGEST = float(np.finfo(np.float64).max)
PRECISION = float(np.finfo(np.float64).eps)


def checked(member: str, numbers: Sequence[float], *, least: int) -> Floats:
    """InvalidInput where fewer than `least` are there, or one is not finite."""
    if len(numbers) < least:
        raise InvalidInput(member, f"at least {least} are needed, not {len(numbers)}")
    try:
        values = np.asarray(numbers, dtype=np.float64)
    except OverflowError as error:  # an int beyond every float
        raise InvalidInput(member, "every one must be a finite number") from error
    if not np.isfinite(values).all():
        raise InvalidInput(member, "every one must be a finite number")
    return values


def check_alpha(alpha: float) -> None:
    """InvalidInput where no level of significance."""
    if not 0 < alpha < 1:
        raise InvalidInput("alpha", "must lie between 0 and 1, both left out")


def constant(values: Floats) -> bool:
    return bool(values.min() == values.max())


def scaled(values: Floats) -> tuple[Floats, int]:
    """The values, all below one in size, and the exponent of 2 that undoes it."""
    exponent = int(np.frexp(np.abs(values).max())[1])
    return np.ldexp(values, -exponent), exponent


def mean_and_deviations(values: Floats) -> tuple[float, Floats]:
    """The mean, and what each value deviates from it."""
    from_first = values - values[0]
    mean = float(from_first.mean())
    return float(values[0] + mean), from_first - mean


def restored(number: float, exponent: int) -> float:
    """A number of the scaled values as one of the values; infinite where it is beyond every float."""
    return float(np.ldexp(number, exponent))


def require_finite(member: str, *results: float | Floats) -> None:
    """InvalidInput where a result is none: what was asked about is too large, too small or too far apart for floats."""
    if not all(np.isfinite(result).all() for result in results):
        raise InvalidInput(member, "too large, too small or too far apart for a finite result")
