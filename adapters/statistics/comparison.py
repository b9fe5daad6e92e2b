"""Compares cohorts: the change within each by the paired t test, between them by one-way analysis of variance.

Differences are exact: equal changes are recognised before any number is rounded to a float.
"""

from collections.abc import Sequence
from decimal import Context, Decimal, localcontext
from math import inf, sqrt

import numpy as np
from scipy import special

from adapters.statistics import student
from adapters.statistics.results import Cohort, CohortGroup, Comparison, InvalidInput, is_improvement
from adapters.statistics.series import Floats, mean_and_deviations, require_finite, scaled

ENOUGH = 2
"""Minimum number of subjects of a group for a test."""

ALPHA = 0.05

EXACT = Context(prec=1_000)
"""Enough digits for exact sums and differences of any decimal that a float can hold."""


@np.errstate(all="ignore")
def compare(cohorts: Sequence[Cohort], *, higher_is_better: bool) -> Comparison:
    """The cohorts in the order given; a change is the last value less the first.

    Subjects who all changed by the same have no p; between groups of such, p is 1 where they are the same changes,
    else 0. InvalidInput for a cohort without subjects, or with a different number of first and last values.
    """
    with localcontext(EXACT):
        changes = [_changes(cohort) for cohort in cohorts]
        groups = [_group(cohort, of, higher_is_better) for cohort, of in zip(cohorts, changes, strict=True)]
        return Comparison(tuple(groups), _between([of for of in changes if len(of) >= ENOUGH]))


def _changes(cohort: Cohort) -> list[Decimal]:
    for member, numbers in (("firsts", cohort.firsts), ("lasts", cohort.lasts)):
        if not numbers:
            raise InvalidInput(member, "at least 1 are needed, not 0")
        if not all(number.is_finite() for number in numbers):
            raise InvalidInput(member, "every one must be a finite number")
    if len(cohort.firsts) != len(cohort.lasts):
        raise InvalidInput("lasts", f"as many as firsts are needed, {len(cohort.firsts)}, not {len(cohort.lasts)}")
    return [last - first for first, last in zip(cohort.firsts, cohort.lasts, strict=True)]


def _group(cohort: Cohort, changes: Sequence[Decimal], higher_is_better: bool) -> CohortGroup:
    change = _mean(changes)
    p = _within(changes, change) if len(changes) >= ENOUGH else None
    return CohortGroup(
        value=cohort.value,
        subjects=len(changes),
        mean_first=_mean(cohort.firsts),
        mean_last=_mean(cohort.lasts),
        mean_change=change,
        p_value=p,
        better=is_improvement(change, significant=p is not None and p < ALPHA, higher_is_better=higher_is_better),
    )


def _mean(numbers: Sequence[Decimal]) -> float:
    mean = float(sum(numbers) / len(numbers))
    require_finite("values", mean)
    return mean


def _less(changes: Sequence[Decimal], anchor: Decimal) -> Floats:
    """The changes minus `anchor`. Rounding after the subtraction keeps the digits of large numbers."""
    floats = np.array([float(change - anchor) for change in changes])
    require_finite("values", floats)
    return floats


def _within(changes: Sequence[Decimal], mean: float) -> float | None:
    if all(change == changes[0] for change in changes):
        return None
    small, exponent = scaled(_less(changes, changes[0]))
    _, deviations = mean_and_deviations(small)
    degrees_of_freedom = len(changes) - 1
    error = sqrt(float(np.sum(deviations**2)) / degrees_of_freedom / len(changes))
    return student.two_sided(float(np.ldexp(mean, -exponent)) / error, degrees_of_freedom)


def _between(groups: Sequence[Sequence[Decimal]]) -> float | None:
    """The p of the F ratio. By deviations: SciPy's `f_oneway` takes the difference of two large sums, and warns."""
    if len(groups) < 2:
        return None
    sizes = np.array([len(group) for group in groups])
    firsts = _less([group[0] for group in groups], groups[0][0])
    small, _ = scaled(np.concatenate([firsts, *(_less(group, group[0]) for group in groups)]))
    firsts, *each = np.split(small, np.cumsum([len(groups), *sizes[:-1]]))
    means = firsts + np.array([np.mean(group) for group in each])
    means -= np.sum(sizes * means) / np.sum(sizes)
    of_means, of_subjects = len(groups) - 1, int(np.sum(sizes - 1))
    between = float(np.sum(sizes * means**2)) / of_means
    within = float(sum(np.sum((group - np.mean(group)) ** 2) for group in each)) / of_subjects
    if between == 0:
        return 1.0
    return float(special.fdtrc(of_means, of_subjects, between / within if within else inf))
