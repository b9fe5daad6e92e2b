"""The results of the statistics, with the member names of the contract, their input and its error.

All numbers are finite. This module does not load NumPy.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Literal

from msgspec import Struct

from domain.errors import GrowthringsError

MOST_CHANGEPOINTS = 1_000
"""A result lists at most this many."""

Method = Literal["pearson", "spearman"]
Strength = Literal["strong", "moderate", "weak", "negligible"]


class InvalidInput(GrowthringsError):
    """Statistics cannot be computed of a member of the input: `values: at least 3 are needed, not 2`."""

    def __init__(self, member: str, reason: str) -> None:
        super().__init__(f"{member}: {reason}")
        self.member = member
        self.reason = reason

    def __reduce__(self) -> tuple[type["InvalidInput"], tuple[str, str]]:
        return InvalidInput, (self.member, self.reason)  # pickled by the subprocess that raises it


class ConfidenceInterval(Struct, frozen=True):
    low: float
    high: float


class Trend(Struct, frozen=True):
    """`confidence_interval` is the slope's; `predictions` are the line at every x, in the order of the values."""

    method: Literal["linear_regression"]
    sample_size: int
    slope: float
    intercept: float
    r_value: float
    r_squared: float
    p_value: float
    standard_error: float
    confidence_interval: ConfidenceInterval
    significant: bool
    direction: Literal["increasing", "decreasing", "stable"]
    predictions: tuple[float, ...]
    residual_standard_deviation: float


class Changepoint(Struct, frozen=True):
    """`index` is the first value of the later segment; `statistic` is positive where the earlier mean is higher."""

    index: int
    statistic: float
    p_value: float
    before_mean: float
    after_mean: float
    significant: bool


class Changepoints(Struct, frozen=True):
    """The splits that leave both segments long enough, in order (of very many those with the smallest p), and the best
    of those that are significant."""

    method: Literal["welch_t_test"]
    sample_size: int
    alpha: float
    min_segment_size: int
    changepoints: tuple[Changepoint, ...]
    best_changepoint: Changepoint | None


class Correlation(Struct, frozen=True):
    method: Method
    statistic: float
    p_value: float
    sample_size: int
    confidence_interval: ConfidenceInterval
    significant: bool


class Coefficient(Struct, frozen=True):
    """A correlation in words: how strong, and which way."""

    coefficient: float
    p_value: float
    sample_size: int
    method: Method
    strength: Strength
    direction: Literal["positive", "negative", "none"]


class Cohort(Struct, frozen=True):
    """Asked about: the subjects that share a value, at least one; of each its first and its last number, exact."""

    value: object
    firsts: Sequence[Decimal]
    lasts: Sequence[Decimal]


class CohortGroup(Struct, frozen=True):
    """`p_value` is null for a single subject, and for subjects who all changed by the same; `better` is null where the
    change is not significant."""

    value: object
    subjects: int
    mean_first: float
    mean_last: float
    mean_change: float
    p_value: float | None
    better: bool | None


class Comparison(Struct, frozen=True):
    """`p_value` is null where fewer than two groups have two subjects."""

    groups: tuple[CohortGroup, ...]
    p_value: float | None


def is_improvement(change: float, *, significant: bool, higher_is_better: bool) -> bool | None:
    """None when the change is 0 or not significant."""
    if not significant or not change:
        return None
    return (change > 0) is higher_is_better
