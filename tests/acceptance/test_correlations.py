"""Correlations of two outcomes: pairs are the daily means of one subject on one day."""

from typing import Any

import pytest

from tests.acceptance.client import Api, Body
from tests.acceptance.outcomes import CORRELATIONS, UNKNOWN, Outcome, answer, day, invalid, new_outcome, refusal
from tests.acceptance.outcomes_hostile import BAD_TEXTS
from tests.acceptance.people import unique
from tests.acceptance.reference import assert_close, correlation

Pairs = list[tuple[float, float]]


def two(admin: Api) -> tuple[Outcome, Outcome]:
    """Two outcomes of one brand."""
    brand = unique("brand")
    return new_outcome(admin, brand_id=brand, name="a"), new_outcome(admin, brand_id=brand, name="b")


def paired(admin: Api, pairs: Pairs) -> tuple[Outcome, Outcome]:
    """Two outcomes with one pair a day, of two subjects in turn."""
    outcomes = two(admin)
    for side, outcome in enumerate(outcomes):
        outcome.enter(("ab"[n % 2], day(n + 1, f"{side:02}:00:00.000Z"), pair[side]) for n, pair in enumerate(pairs))
    return outcomes


def body(a: Outcome, b: Outcome, **changes: Any) -> Body:
    return {"outcome_id_a": a.id, "outcome_id_b": b.id, "brand_id": a.body["brand_id"]} | changes


def computed(a: Outcome, b: Outcome, **changes: Any) -> Body:
    return answer(a.api.post(CORRELATIONS, body(a, b, **changes)))


def strength(coefficient: float) -> str:
    names = [(0.7, "strong"), (0.4, "moderate"), (0.1, "weak"), (0, "negligible")]
    return next(name for least, name in names if abs(coefficient) >= least)


def expected(a: Outcome, b: Outcome, pairs: Pairs, method: str = "pearson") -> Body:
    known = correlation([x for x, _ in pairs], [y for _, y in pairs], method)
    r = known["statistic"]
    return {
        "outcome_id_a": a.id,
        "outcome_id_b": b.id,
        "coefficient": r,
        "p_value": known["p_value"],
        "sample_size": len(pairs),
        "method": method,
        "strength": strength(r),
        "direction": "positive" if r > 0 else "negative" if r < 0 else "none",
    }


CASES: dict[str, Pairs] = {
    "strong": [(1, 2.5), (2, 3), (3, 5), (4, 4), (5, 9)],
    "perfect": [(1, 10), (2, 20), (3, 30), (4, 40)],
    "perfect and negative": [(1, -1), (2, -2), (3, -3), (4, -4), (5, -5)],
    "moderate": [(1, 2), (2, 4), (3, 1), (4, 5), (5, 4)],
    "weak and negative": [(1, 3), (2, 4), (3, 1), (4, 5), (5, 1)],
    "none": [(1, 1), (2, 2), (3, 2), (4, 1)],
    "ties": [(1, 1), (1, 2), (2, 2), (2, 2), (3, 9), (0, 1)],
}


@pytest.mark.parametrize("method", ["pearson", "spearman"])
@pytest.mark.parametrize("pairs", CASES.values(), ids=CASES.keys())
def test_a_correlation_is_of_the_pairs_of_a_day(pairs: Pairs, method: str, admin: Api, application: Api) -> None:
    a, b = paired(admin, pairs)
    assert_close(expected(a, b, pairs, method), computed(a, b, method=method))
    other = answer(application.post(CORRELATIONS, body(b, a, method=method)))
    assert_close(expected(b, a, [(y, x) for x, y in pairs], method), other)


def test_the_cases_show_every_strength_and_direction(admin: Api) -> None:
    answers = [computed(*paired(admin, pairs)) for pairs in CASES.values()]
    assert {"strong", "moderate", "weak", "negligible"} == {one["strength"] for one in answers}
    assert {"positive", "negative", "none"} == {one["direction"] for one in answers}


def test_the_method_is_pearson_when_it_is_left_out(admin: Api) -> None:
    a, b = paired(admin, CASES["strong"])
    assert computed(a, b, method="pearson") == computed(a, b)


def test_an_outcome_correlates_with_itself(admin: Api) -> None:
    a, _ = paired(admin, CASES["strong"])
    assert_close(expected(a, a, [(x, x) for x, _ in CASES["strong"]]), computed(a, a))


def test_a_pair_is_of_means_of_one_subject_on_one_day(admin: Api) -> None:
    a, b = two(admin)
    pairs = CASES["strong"]
    for n, (x, y) in enumerate(pairs, 1):
        a.enter([("anna", day(n, "00:00:00Z"), x - 1), ("anna", day(n, "23:59:59.999Z"), x + 1)])
        b.enter([("anna", day(n + 1, "00:30:00+01:00"), y)])
        # No partner: another subject on that day, the same subject on another day.
        a.enter([("ben", day(n), 99)])
        b.enter([("carl", day(n), -99), ("anna", day(n + 20), 77)])
    assert_close(expected(a, b, pairs), computed(a, b))
    assert_close(expected(a, b, pairs), computed(a, b, subject_id="anna"))


def test_a_correlation_may_be_of_one_subject(admin: Api) -> None:
    a, b = two(admin)
    own = {"anna": CASES["strong"], "ben": CASES["weak and negative"]}
    for subject, pairs in own.items():
        a.enter((subject, day(n), x) for n, (x, _) in enumerate(pairs, 1))
        b.enter((subject, day(n), y) for n, (_, y) in enumerate(pairs, 1))
    for subject, pairs in own.items():
        assert_close(expected(a, b, pairs), computed(a, b, subject_id=subject))
    assert_close(expected(a, b, [*own["anna"], *own["ben"]]), computed(a, b))


@pytest.mark.parametrize("method", ["pearson", "spearman"])
def test_four_pairs_are_needed(method: str, admin: Api) -> None:
    a, b = paired(admin, [(1, 2), (2, 4), (3, 3)])
    for changes in ({}, {"subject_id": "a"}, {"subject_id": "nobody"}):
        assert "4" in refusal(400, admin.post(CORRELATIONS, body(a, b, method=method, **changes)))
    for outcome in (a, b):
        outcome.record(subject_id="c", recorded_at=day(9), value="7")
    assert 4 == computed(a, b, method=method)["sample_size"]


@pytest.mark.parametrize("method", ["pearson", "spearman"])
@pytest.mark.parametrize("pairs", [[(n, 5) for n in range(5)], [(0.1, n) for n in range(5)]], ids=["b", "a"])
def test_constant_values_on_either_side_are_refused(pairs: Pairs, method: str, admin: Api) -> None:
    a, b = paired(admin, pairs)
    refusal(400, admin.post(CORRELATIONS, body(a, b, method=method)))


def test_an_acknowledged_entry_is_in_the_next_correlation(admin: Api) -> None:
    a, b = paired(admin, CASES["perfect"])
    for number in range(5, 15):
        a.record(recorded_at=day(number), value=str(number % 4))
        b.record(recorded_at=day(number), value=str(number % 3))
        assert number == computed(a, b)["sample_size"]


@pytest.mark.parametrize("member", ["outcome_id_a", "outcome_id_b"])
@pytest.mark.parametrize("given", [UNKNOWN, "x", "", "0123456789abcdef01234567", UNKNOWN + "0", "%00"], ids=ascii)
def test_an_outcome_that_is_not_there_is_not_found(given: str, member: str, admin: Api) -> None:
    a, b = paired(admin, CASES["strong"])
    response = admin.post(CORRELATIONS, body(a, b) | {member: given})
    if given == "" and response.status_code == 400:
        invalid(member, response)
    else:
        refusal(404, response)


def test_an_outcome_of_another_brand_is_not_found(admin: Api) -> None:
    (a, b), (c, _) = paired(admin, CASES["strong"]), paired(admin, CASES["weak and negative"])
    refusal(404, admin.post(CORRELATIONS, body(a, b, brand_id=c.body["brand_id"])))
    refusal(404, admin.post(CORRELATIONS, body(a, c)))
    refusal(404, admin.post(CORRELATIONS, body(a, b) | {"outcome_id_a": c.id}))


@pytest.mark.parametrize("member", ["outcome_id_a", "outcome_id_b", "brand_id"])
def test_a_missing_member_is_named(member: str, admin: Api) -> None:
    a, b = two(admin)
    invalid(member, admin.post(CORRELATIONS, {name: value for name, value in body(a, b).items() if name != member}))


@pytest.mark.parametrize("value", BAD_TEXTS, ids=ascii)
@pytest.mark.parametrize("member", ["outcome_id_a", "outcome_id_b", "brand_id", "method", "subject_id"])
def test_a_bad_member_is_named(member: str, value: Any, admin: Api) -> None:
    a, b = paired(admin, CASES["strong"])
    invalid(member, admin.post(CORRELATIONS, body(a, b) | {member: value}))


@pytest.mark.parametrize("method", ["", "Pearson", "kendall", "spearman ", "pearson\n"])
def test_an_unknown_method_is_named(method: str, admin: Api) -> None:
    a, b = two(admin)
    invalid("method", admin.post(CORRELATIONS, body(a, b, method=method)))


@pytest.mark.parametrize("sent", [[], [{}], [None]], ids=str)
def test_an_array_is_no_question(sent: list[Any], admin: Api) -> None:
    refusal(400, admin.post(CORRELATIONS, sent))
