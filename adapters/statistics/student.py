"""Student's t distribution, as SciPy computes it."""

from typing import Any, overload

import numpy as np
from scipy import special

from adapters.statistics.results import InvalidInput
from adapters.statistics.series import Floats


@overload
def two_sided(statistic: float, degrees_of_freedom: float) -> float: ...
@overload
def two_sided(statistic: Floats, degrees_of_freedom: Floats) -> Floats: ...
def two_sided(statistic: Any, degrees_of_freedom: Any) -> Any:
    """The two-sided p-value of a statistic."""
    p_value = 2 * special.stdtr(degrees_of_freedom, -np.abs(statistic))
    return p_value if isinstance(p_value, np.ndarray) else float(p_value)


def critical_value(alpha: float, degrees_of_freedom: float) -> float:
    """The two-sided critical value at level `alpha`. InvalidInput when no float can hold it."""
    quantile = -float(special.stdtrit(degrees_of_freedom, alpha / 2))
    if not np.isfinite(quantile):
        raise InvalidInput("alpha", "too small to compute with")
    return quantile
