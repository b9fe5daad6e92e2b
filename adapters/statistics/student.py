"""Student's t distribution, as SciPy computes it."""

from typing import Any, overload

import numpy as np
from scipy import special

from adapters.statistics.series import Floats
from adapters.statistics.unfit import Unfit


@overload
def two_sided(statistic: float, freedom: float) -> float: ...
@overload
def two_sided(statistic: Floats, freedom: Floats) -> Floats: ...
def two_sided(statistic: Any, freedom: Any) -> Any:
    """How likely a statistic at least this far from zero is, on so many degrees of freedom."""
    likely = 2 * special.stdtr(freedom, -np.abs(statistic))
    return likely if isinstance(likely, np.ndarray) else float(likely)


def beyond(alpha: float, freedom: float) -> float:
    """What the statistic's size exceeds with probability `alpha`. Unfit where that is beyond every float."""
    quantile = -float(special.stdtrit(freedom, alpha / 2))
    if not np.isfinite(quantile):
        raise Unfit("alpha", "too small to compute with")
    return quantile
