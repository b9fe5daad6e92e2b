"""Where the mean of a series changes: Welch's t test of the values before and after every split."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from adapters.statistics import student
from adapters.statistics.results import MOST_CHANGEPOINTS, Changepoint, Changepoints, InvalidInput
from adapters.statistics.series import LARGEST, Floats, check_alpha, checked, require_finite, scaled


@np.errstate(all="ignore")
def changepoints(values: Sequence[float], min_segment_size: int = 3, alpha: float = 0.05) -> Changepoints:
    """Every split of `values` into two segments of at least `min_segment_size`, as `ttest_ind(equal_var=False)`.

    Two constant segments: equal ones have statistic 0 and p 1; of different ones p is 0, and the largest float
    stands for their infinite statistic. The best split is the significant one with the smallest p; among equals,
    the one with the largest statistic; among those, the first. Of more than MOST_CHANGEPOINTS splits the best are
    listed, in the order of their index. InvalidInput for segments below two and for too few values.
    """
    check_alpha(alpha)
    if min_segment_size < 2:
        raise InvalidInput("min_segment_size", "at least 2 is needed")
    series = checked("values", values, least=2 * min_segment_size)
    index = np.arange(min_segment_size, len(series) - min_segment_size + 1)
    small, exponent = scaled(series)
    statistic, p, before, after = _welch(small, index)
    means = np.ldexp(before, exponent), np.ldexp(after, exponent)
    require_finite("values", statistic, p, *means)
    ranked = np.lexsort((index, -np.abs(statistic), p))[:MOST_CHANGEPOINTS]
    columns = [column[np.sort(ranked)] for column in (index, statistic, p, *means, p < alpha)]
    points = tuple(Changepoint(*row) for row in zip(*(column.tolist() for column in columns), strict=True))
    return Changepoints(
        method="welch_t_test",
        sample_size=len(series),
        alpha=alpha,
        min_segment_size=min_segment_size,
        changepoints=points,
        best_changepoint=min(
            (point for point in points if point.significant),
            key=lambda point: (point.p_value, -abs(point.statistic)),
            default=None,
        ),
    )


def _welch(series: Floats, index: NDArray[np.intp]) -> tuple[Floats, Floats, Floats, Floats]:
    """Statistic, p, mean before and mean after, of every split."""
    earlier, later = index.astype(np.float64), (len(series) - index).astype(np.float64)
    mean_before, squares_before = (column[index - 1] for column in _running(series))
    mean_after, squares_after = (column[len(series) - index - 1] for column in _running(series[::-1]))
    first, last = series[0], series[-1]
    variance_before = squares_before / (earlier - 1) / earlier
    variance_after = squares_after / (later - 1) / later
    variance = variance_before + variance_after
    difference = (first - last) + (mean_before - mean_after)
    exact = variance == 0
    statistic = np.where(exact, np.sign(difference) * LARGEST, difference / np.sqrt(variance))
    share = variance_before / variance
    degrees_of_freedom = np.where(exact, 1.0, 1 / (share**2 / (earlier - 1) + (1 - share) ** 2 / (later - 1)))
    p_value = np.where(exact, difference == 0, student.two_sided(statistic, degrees_of_freedom))
    return statistic, p_value, first + mean_before, last + mean_after


def _running(series: Floats) -> tuple[Floats, Floats]:
    """Of the first 1, 2, 3, … values: the mean's distance from the first value, and the sum of squared deviations
    from the mean (Welford's recurrence: no difference of large numbers)."""
    from_first = series - series[0]
    count = np.arange(1, len(series) + 1, dtype=np.float64)
    mean = _running_sums(from_first) / count
    steps = (from_first[1:] - mean[:-1]) ** 2 * (count[:-1] / count[1:])
    return mean, np.concatenate(([0.0], np.cumsum(steps)))


def _running_sums(numbers: Floats) -> Floats:
    """Compensated running sums (Neumaier): a plain sum of 100,000 numbers loses digits."""
    sums = np.cumsum(numbers)
    before, added, after = sums[:-1], numbers[1:], sums[1:]
    kept = after - before
    lost = (before - (after - kept)) + (added - kept)
    return sums + np.concatenate(([0.0], np.cumsum(lost)))
