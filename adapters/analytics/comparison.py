"""Cohorts side by side: the change within each by the paired t test, between them by one-way analysis of variance."""

from collections.abc import Sequence
from math import inf, sqrt

import numpy as np
from scipy import special

from adapters.analytics import student
from adapters.analytics.better import better
from adapters.analytics.series import Floats, checked, constant, mean_and_deviations, require_finite, restored, scaled
from adapters.analytics.shapes import Cohort, CohortGroup, Comparison
from adapters.analytics.unfit import Unfit

ENOUGH = 2
"""Subjects that a group needs for a test."""

ALPHA = 0.05


@np.errstate(all="ignore")
def compare(cohorts: Sequence[Cohort], *, higher_is_better: bool) -> Comparison:
    """The cohorts in the order given; a change is the last value less the first.

    Subjects who all changed by the same: p is 1 where that is nothing, else 0; so it is between groups. Unfit where a
    cohort has no subject, or not one first and one last value of each.
    """
    changes = [_changes(cohort) for cohort in cohorts]
    return Comparison(
        tuple(_group(cohort, of, higher_is_better) for cohort, of in zip(cohorts, changes, strict=True)),
        _between([of for of in changes if len(of) >= ENOUGH]),
    )


def _changes(cohort: Cohort) -> Floats:
    firsts, lasts = checked("firsts", cohort.firsts, least=1), checked("lasts", cohort.lasts, least=1)
    if len(firsts) != len(lasts):
        raise Unfit("lasts", f"as many as firsts are needed, {len(firsts)}, not {len(lasts)}")
    changes = lasts - firsts
    require_finite("values", changes)
    return changes


def _group(cohort: Cohort, changes: Floats, higher_is_better: bool) -> CohortGroup:
    p = _within(changes) if len(changes) >= ENOUGH else None
    change = _mean(changes)
    return CohortGroup(
        value=cohort.value,
        subjects=len(changes),
        mean_first=_mean(np.asarray(cohort.firsts, dtype=np.float64)),
        mean_last=_mean(np.asarray(cohort.lasts, dtype=np.float64)),
        mean_change=change,
        p_value=p,
        better=better(change, significant=p is not None and p < ALPHA, higher_is_better=higher_is_better),
    )


def _mean(values: Floats) -> float:
    small, exponent = scaled(values)
    mean = restored(mean_and_deviations(small)[0], exponent)
    require_finite("values", mean)
    return mean


def _within(changes: Floats) -> float:
    if constant(changes):
        return 0.0 if changes[0] else 1.0
    mean, deviations = mean_and_deviations(scaled(changes)[0])
    freedom = len(changes) - 1
    error = sqrt(float(np.sum(deviations**2)) / freedom / len(changes))
    return student.two_sided(mean / error, freedom)


def _between(groups: Sequence[Floats]) -> float | None:
    """The p of the F ratio. By deviations: SciPy's `f_oneway` takes the difference of two large sums, and warns."""
    if len(groups) < 2:
        return None
    sizes = np.array([len(group) for group in groups])
    small, _ = scaled(np.concatenate(groups))
    each = np.split(small, np.cumsum(sizes)[:-1])
    means = np.array([np.mean(group - small[0]) for group in each])
    means -= np.sum(sizes * means) / np.sum(sizes)
    of_means, of_subjects = len(groups) - 1, int(np.sum(sizes - 1))
    between = float(np.sum(sizes * means**2)) / of_means
    within = float(sum(np.sum(mean_and_deviations(group)[1] ** 2) for group in each)) / of_subjects
    if between == 0:
        return 1.0
    return float(special.fdtrc(of_means, of_subjects, between / within if within else inf))
