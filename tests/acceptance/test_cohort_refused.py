"""Values without a valid statistic are refused, naming the invalid member; no response has NaN."""

from typing import Any

import pytest

from tests.acceptance.client import Api, Body
from tests.acceptance.outcomes import CHANGEPOINT, COHORT_TREND, CORRELATE, answer, invalid, refusal

VALUES = [1.0, 3.0, 2.0, 5.0, 4.0, 6.0, 8.0]
GOOD: dict[str, Body] = {
    COHORT_TREND: {"values": VALUES, "x": VALUES[::-1]},
    CHANGEPOINT: {"values": VALUES},
    CORRELATE: {"x": VALUES, "y": VALUES[::-1]},
}
ARRAYS = [(COHORT_TREND, "values"), (COHORT_TREND, "x"), (CHANGEPOINT, "values"), (CORRELATE, "x"), (CORRELATE, "y")]
REQUIRED = [(COHORT_TREND, "values"), (CHANGEPOINT, "values"), (CORRELATE, "x"), (CORRELATE, "y")]
NO_ARRAYS: list[Any] = [None, 5, True, "", "1,2,3,4", {}, {"0": 1}, "\x00"]
NO_NUMBERS: list[Any] = [None, True, False, "1", "", "NaN", [], [1], {}, "\x00", "\ud800"]
BAD_ALPHAS: list[Any] = [None, "0.05", "", True, [], [0.05], {}, 0, 1, -0.05, 1.5, 100]
BAD_SIZES: list[Any] = [None, "3", "", True, [], {}, 0, -1, -3, 1.5, 2.999]
HUGE = [1e308, -1e308, 1.7e308, 1e307, -1.7e308, 1.6e308, 0]

each_path = pytest.mark.parametrize("path", GOOD)
each_array = pytest.mark.parametrize(("path", "member"), ARRAYS, ids=[f"{path} {member}" for path, member in ARRAYS])


@pytest.mark.parametrize(("path", "member"), REQUIRED, ids=[f"{path} {member}" for path, member in REQUIRED])
def test_a_missing_member_is_named(path: str, member: str, admin: Api) -> None:
    invalid(member, admin.post(path, {name: value for name, value in GOOD[path].items() if name != member}))


@each_array
@pytest.mark.parametrize("value", NO_ARRAYS, ids=ascii)
def test_values_that_are_not_an_array_are_named_in_the_error(path: str, member: str, value: Any, admin: Api) -> None:
    invalid(member, admin.post(path, GOOD[path] | {member: value}))


@each_array
@pytest.mark.parametrize("value", NO_NUMBERS, ids=ascii)
def test_an_element_that_is_not_a_number_makes_its_array_invalid(
    path: str, member: str, value: Any, admin: Api
) -> None:
    for index in (0, 3, 6):
        array = [*VALUES[:index], value, *VALUES[index + 1 :]]
        invalid(member, admin.post(path, GOOD[path] | {member: array}))


@each_array
@pytest.mark.parametrize("number", ["1e400", "-1e400", "1" * 400], ids=["beyond", "below", "400 digits"])
def test_a_number_beyond_a_double_is_a_bad_value_of_its_array(path: str, member: str, number: str, admin: Api) -> None:
    texts = {name: str(value) for name, value in GOOD[path].items()} | {member: f"[1, 3, 2, {number}, 5, 6, 7]"}
    body = ", ".join(f'"{name}": {value}' for name, value in texts.items())
    invalid(member, admin.post_raw(path, f"{{{body}}}"))


@each_path
@pytest.mark.parametrize("alpha", BAD_ALPHAS, ids=ascii)
def test_a_bad_alpha_is_named(path: str, alpha: Any, admin: Api) -> None:
    invalid("alpha", admin.post(path, GOOD[path] | {"alpha": alpha}))


@each_path
def test_an_alpha_beyond_a_double_is_named(path: str, admin: Api) -> None:
    body = ", ".join(f'"{name}": {value}' for name, value in GOOD[path].items())
    invalid("alpha", admin.post_raw(path, f'{{{body}, "alpha": 1e999}}'))


@pytest.mark.parametrize("size", BAD_SIZES, ids=ascii)
def test_a_bad_size_of_segments_is_named(size: Any, admin: Api) -> None:
    invalid("min_segment_size", admin.post(CHANGEPOINT, {"values": VALUES, "min_segment_size": size}))


@pytest.mark.parametrize("method", [None, "", 5, [], "kendall", "Pearson", "pearson ", "\x00", "\ud800"], ids=ascii)
def test_an_unknown_method_is_named(method: Any, admin: Api) -> None:
    invalid("method", admin.post(CORRELATE, GOOD[CORRELATE] | {"method": method}))


@pytest.mark.parametrize("values", [[], [1], [1, 2]], ids=str)
def test_a_trend_needs_three_values(values: list[float], admin: Api) -> None:
    assert "3" in refusal(400, admin.post(COHORT_TREND, {"values": values}))
    assert "3" in refusal(400, admin.post(COHORT_TREND, {"values": values, "x": values}))


@pytest.mark.parametrize("method", ["pearson", "spearman"])
@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_a_correlation_needs_four_pairs(count: int, method: str, admin: Api) -> None:
    body = {"x": VALUES[:count], "y": VALUES[::-1][:count], "method": method}
    assert "4" in refusal(400, admin.post(CORRELATE, body))


@pytest.mark.parametrize("size", [2, 3, 4, 10, 10**9])
def test_a_changepoint_needs_two_segments(size: int, admin: Api) -> None:
    values = [float(n % 3) for n in range(min(2 * size - 1, 50))]
    body = {"values": values, "min_segment_size": size}
    assert str(2 * size) in refusal(400, admin.post(CHANGEPOINT, body))
    if size < 50:
        answer(admin.post(CHANGEPOINT, body | {"values": [*values, 9.5]}))


@pytest.mark.parametrize(("path", "member"), [(COHORT_TREND, "x"), (CORRELATE, "x"), (CORRELATE, "y")])
def test_arrays_of_other_lengths_are_refused(path: str, member: str, admin: Api) -> None:
    for array in (VALUES[1:], [*VALUES, 9.0], []):
        message = refusal(400, admin.post(path, GOOD[path] | {member: array}))
        assert any(name in message for name in GOOD[path])


@pytest.mark.parametrize("value", [0, 5, 0.1, -1e300, 1e-320])
@pytest.mark.parametrize(("path", "member"), [(COHORT_TREND, "x"), (CORRELATE, "x"), (CORRELATE, "y")])
@pytest.mark.parametrize("method", ["pearson", "spearman"])
def test_constant_values_are_named(path: str, member: str, value: float, method: str, admin: Api) -> None:
    invalid(member, admin.post(path, GOOD[path] | {member: [value] * 7, "method": method}))


@each_path
@pytest.mark.parametrize("scale", [1, 0.5, 1e-10], ids=str)
def test_values_near_the_end_of_the_doubles_are_no_server_fault(path: str, scale: float, admin: Api) -> None:
    for name in GOOD[path]:
        response = admin.post(path, GOOD[path] | {name: [value * scale for value in HUGE]})
        assert answer(response) if response.status_code == 200 else refusal(400, response)


@each_path
@pytest.mark.parametrize("scale", [5e-324, 1e-310, 1e-200, 1e-160], ids=str)
def test_values_near_zero_are_no_server_fault(path: str, scale: float, admin: Api) -> None:
    for name in GOOD[path]:
        response = admin.post(path, GOOD[path] | {name: [value * scale for value in VALUES]})
        assert answer(response) if response.status_code == 200 else refusal(400, response)


def test_a_segment_of_one_value_is_refused_or_answered_without_nan(admin: Api) -> None:
    response = admin.post(CHANGEPOINT, {"values": VALUES, "min_segment_size": 1})
    assert answer(response) if response.status_code == 200 else refusal(400, response)


@each_path
@pytest.mark.parametrize("sent", [[], [{}], [None], [[1, 2, 3, 4]]], ids=str)
def test_an_array_is_no_question(path: str, sent: list[Any], admin: Api) -> None:
    refusal(400, admin.post(path, sent))


@pytest.mark.parametrize(
    ("path", "members", "most"),
    [(CHANGEPOINT, ("values",), 100_000), (COHORT_TREND, ("values", "x"), 1_000_000), (CORRELATE, "xy", 1_000_000)],
)
def test_more_values_than_a_statistic_takes_are_refused(
    path: str, members: tuple[str, ...], most: int, admin: Api
) -> None:
    for member in members:
        sent = dict.fromkeys(members, "[1, 2, 4, 3]") | {member: f"[{'1,' * most}2]"}
        body = ", ".join(f'"{name}": {value}' for name, value in sent.items())
        assert f"The limit is {most} values." == refusal(413, admin.post_raw(path, f"{{{body}}}"))
