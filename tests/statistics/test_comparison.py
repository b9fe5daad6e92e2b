"""Cohorts are compared as SciPy's paired t test and analysis of variance would, and as was published."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import special, stats

from adapters.statistics.comparison import compare
from adapters.statistics.results import Cohort, CohortGroup, Comparison, InvalidInput, is_improvement
from tests.statistics.numbers import decimals, exact_variance, near, plain, unhurried
from tests.statistics.published import FIRST_DRUG, PLANTS, SECOND_DRUG, treatments

subjects = st.lists(st.tuples(plain, plain), min_size=2, max_size=20)


def cohort(value: object, pairs: list[tuple[float, float]]) -> Cohort:
    return Cohort(value, decimals([first for first, _ in pairs]), decimals([last for _, last in pairs]))


def changed(value: object, changes: list[float]) -> Cohort:
    return Cohort(value, decimals([0.0] * len(changes)), decimals(changes))


def changed_by(group: CohortGroup) -> tuple[float, float | None, bool | None]:
    return group.mean_change, group.p_value, group.better


def alone(asked: Cohort, *, higher_is_better: bool = True) -> CohortGroup:
    (group,) = compare([asked], higher_is_better=higher_is_better).groups
    return group


@unhurried
@given(subjects)
def test_the_change_within_a_group_is_scipys_paired_t_test(pairs: list[tuple[float, float]]) -> None:
    asked = cohort("a", pairs)
    firsts, lasts = np.array([first for first, _ in pairs]), np.array([last for _, last in pairs])
    changes = lasts - firsts
    assume(np.ptp(changes) > 1e-9)
    found = alone(asked)
    assert pytest.approx(stats.ttest_rel(lasts, firsts).pvalue, rel=1e-9, abs=1e-12) == found.p_value
    assert pytest.approx([np.mean(firsts), np.mean(lasts), np.mean(changes)], rel=1e-12, abs=1e-12) == [
        found.mean_first,
        found.mean_last,
        found.mean_change,
    ]


@unhurried
@given(st.lists(st.lists(plain, min_size=2, max_size=15), min_size=2, max_size=6))
def test_the_change_between_groups_is_scipys_analysis_of_variance(groups: list[list[float]]) -> None:
    assume(any(len(set(group)) > 1 for group in groups))
    found = compare([changed(place, group) for place, group in enumerate(groups)], higher_is_better=True)
    everyone = [change for group in groups for change in group]
    degrees_of_freedom = len(groups) - 1, len(everyone) - len(groups)
    within = sum(exact_variance(group) * (len(group) - 1) for group in groups)
    between = exact_variance(everyone) * (len(everyone) - 1) - within
    assert (
        near(
            special.fdtrc(
                *degrees_of_freedom, float(between / degrees_of_freedom[0] / (within / degrees_of_freedom[1]))
            )
        )
        == found.p_value
    )
    if between > within / 1000:  # below, SciPy's own is the rounded difference of two sums, or NaN
        assert near(stats.f_oneway(*groups).pvalue) == found.p_value


def test_sleep_after_two_drugs_differs_as_r_prints_it() -> None:
    found = alone(Cohort("drug", decimals(FIRST_DRUG), decimals(SECOND_DRUG)))
    assert (10, 1.58, 0.002833) == (found.subjects, round(found.mean_change, 9), round(found.p_value or 0, 6))


def test_plants_differ_as_r_prints_it() -> None:
    found = compare([changed(kind, weights) for kind, weights in PLANTS.items()], higher_is_better=True)
    assert 0.01591 == round(found.p_value or 0, 5)


def test_treatments_of_anorexia_differ_as_published() -> None:
    """Family therapy: Howell, Statistical Methods for Psychology, chapter 7; the others as R prints them."""
    found = compare(treatments(), higher_is_better=True)
    by = {group.value: group for group in found.groups}
    assert ["CBT", "Cont", "FT"] == list(by)
    assert [29, 26, 17] == [group.subjects for group in found.groups]
    assert [3.01, -0.45, 7.26] == [round(group.mean_change, 2) for group in found.groups]
    assert [0.03502, 0.7763, 0.0007003] == [float(f"{group.p_value:.4g}") for group in found.groups]
    assert [True, None, True] == [group.better for group in found.groups]
    assert (83.23, 90.49) == (round(by["FT"].mean_first, 2), round(by["FT"].mean_last, 2))
    assert pytest.approx(special.fdtrc(2, 69, 5.422), rel=1e-3) == found.p_value
    assert 0.0065 == round(found.p_value or 0, 4)


@pytest.mark.parametrize("size", [21, 201])
@pytest.mark.parametrize("level", [0.0, 1e6, 1e9])
def test_groups_far_from_zero_keep_their_digits(level: float, size: int) -> None:
    """In the manner of NIST's SmLs data: F is as many as the replicates, at every level."""
    steps = np.array([0, *([-1, 1] * (size // 2))]) / 1024
    shifts = np.array([0, -1, 1, -1, 1, -1, 1, -1, 1]) / 1024
    found = compare(
        [changed(place, (level + shift + steps).tolist()) for place, shift in enumerate(shifts)], higher_is_better=True
    )
    between = size * np.sum((shifts - shifts.mean()) ** 2) / 8
    within = 9 * np.sum(steps**2) / (9 * (size - 1))
    assert pytest.approx(special.fdtrc(8, 9 * (size - 1), between / within), rel=1e-9) == found.p_value


def test_groups_far_from_each_other_differ_beyond_doubt() -> None:
    """SciPy's own sum of squares within is rounded away here."""
    found = compare([changed("a", [0, 1e-9, 2e-9]), changed("b", [1e6, 1e6 + 1e-9, 1e6])], higher_is_better=True)
    assert found.p_value is not None
    assert 0 <= found.p_value < 1e-40


def test_compared_cohorts_stay_in_order_and_may_have_values_of_any_type() -> None:
    values: list[object] = ["b", "a", None, 3, True, ["x"]]
    found = compare([changed(value, [1, 2]) for value in values], higher_is_better=True)
    assert values == [group.value for group in found.groups]


def test_a_cohort_of_a_single_subject_has_means_but_no_test() -> None:
    assert CohortGroup("a", 1, 3.0, 5.0, 2.0, None, None) == alone(Cohort("a", decimals([3]), decimals([5])))


@pytest.mark.parametrize("sizes", [[], [5], [1, 1], [5, 1, 1]])
def test_fewer_than_two_groups_of_two_are_not_compared(sizes: list[int]) -> None:
    cohorts = [changed(place, [float(number) for number in range(size)]) for place, size in enumerate(sizes)]
    assert compare(cohorts, higher_is_better=True).p_value is None


def test_a_group_of_one_does_not_count_between_the_others() -> None:
    two = [changed("a", [1, 2, 4]), changed("b", [4, 5, 9])]
    with_one = compare([*two, changed("c", [1000])], higher_is_better=True)
    assert compare(two, higher_is_better=True).p_value == with_one.p_value


@pytest.mark.parametrize("change", [0.0, 0.5, -1e-9])
def test_subjects_who_all_changed_by_the_same_have_no_p_value_and_are_not_better(change: float) -> None:
    assert (change, None, None) == changed_by(alone(changed("a", [change] * 3)))


def test_changes_are_compared_as_decimals_not_as_floats() -> None:
    """Of floats, 15.1 - 15.0 is less than 0.4 - 0.3."""
    tenths = [Cohort("a", decimals([15.0, 0.3, 70.2]), decimals([15.1, 0.4, 70.3]))]
    tenths.append(Cohort("b", decimals([1.1, 2.2]), decimals([1.2, 2.3])))
    found = compare(tenths, higher_is_better=True)
    assert [(0.1, None, None)] * 2 == [changed_by(group) for group in found.groups]
    assert 1.0 == found.p_value


def test_changes_that_no_float_tells_apart_are_different_ones() -> None:
    firsts, lasts = [Decimal(0)] * 3, [Decimal(f"1.{'0' * 30}{digit}") for digit in "124"]
    found = alone(Cohort("a", firsts, lasts))
    assert found.p_value is not None
    assert 0 < found.p_value < 1e-50


@pytest.mark.parametrize(("other", "p"), [(0.1, 1.0), (0.3, 0.0)])
def test_groups_of_subjects_who_all_changed_by_the_same_leave_no_doubt(other: float, p: float) -> None:
    assert p == compare([changed("a", [0.1] * 3), changed("b", [other] * 5)], higher_is_better=True).p_value


@pytest.mark.parametrize(
    ("changes", "higher_is_better", "expected"),
    [
        ([1.0, 1.1, 1.2], True, True),
        ([1.0, 1.1, 1.2], False, False),
        ([-1.0, -1.1, -1.2], True, False),
        ([-1.0, -1.1, -1.2], False, True),
        ([-1.0, 1.1, 1.2], True, None),
        ([0.0, 0.0, 0.0], True, None),
    ],
)
def test_a_significant_change_is_better_or_worse(
    changes: list[float], higher_is_better: bool, expected: bool | None
) -> None:
    assert expected is alone(changed("a", changes), higher_is_better=higher_is_better).better


def test_no_change_is_neither_better_nor_worse() -> None:
    assert is_improvement(0.0, significant=True, higher_is_better=True) is None


def test_no_cohorts_are_an_empty_comparison() -> None:
    assert Comparison((), None) == compare([], higher_is_better=True)


@pytest.mark.parametrize(
    ("firsts", "lasts", "reason"),
    [
        ([], [], "firsts: at least 1 are needed, not 0"),
        ([1, 2], [1], "lasts: as many as firsts are needed, 2, not 1"),
        ([1, float("nan")], [1, 2], "firsts: every one must be a finite number"),
        ([-1.7e308], [1.7e308], "values: too large, too small or too far apart for a finite result"),
    ],
)
def test_the_refusal_of_a_comparison_names_the_reason(firsts: list[float], lasts: list[float], reason: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        compare([Cohort("a", decimals(firsts), decimals(lasts))], higher_is_better=True)
    assert reason == str(refused.value)
