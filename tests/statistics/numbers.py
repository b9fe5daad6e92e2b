"""Numbers to try the statistics on."""

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from typing import SupportsFloat

import pytest
from hypothesis import settings
from hypothesis import strategies as st

unhurried = settings(deadline=None)
"""SciPy's first call loads, which on a busy machine takes longer than Hypothesis waits."""

plain = st.integers(-10_000, 10_000).map(lambda hundredths: hundredths / 100)
"""As people measure: two decimals, and ties are common."""

hostile = (
    st.floats()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([0.0, -0.0, 5e-324, -5e-324, 1e-160, 1e16, 1e16 + 2, 1e154, 1.7e308, -1.7e308])
)
"""Every float there is, the far ones often."""

hostile_series = st.lists(hostile, max_size=12) | st.tuples(hostile, hostile).flatmap(
    lambda two: st.lists(st.sampled_from(two), max_size=12)
)
"""Any few floats, or only two distinct ones."""


def near(number: SupportsFloat) -> object:
    """What the contract calls agreeing: to 1e-9."""
    return pytest.approx(float(number), rel=1e-9, abs=1e-9)


def decimals(numbers: Iterable[float]) -> list[Decimal]:
    """As they are written."""
    return [Decimal(repr(number)) for number in numbers]


def exact_mean(numbers: list[float]) -> Fraction:
    return sum(map(Fraction, numbers), Fraction()) / len(numbers)


def exact_variance(numbers: list[float]) -> Fraction:
    """With n - 1, and without rounding."""
    mean = exact_mean(numbers)
    return sum(((Fraction(number) - mean) ** 2 for number in numbers), Fraction()) / (len(numbers) - 1)
