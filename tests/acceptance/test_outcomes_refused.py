"""Outcomes that are refused: bad members, bodies, ids, queries and paths, each in the envelope of the family."""

import secrets
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import pytest

from tests.acceptance.client import Api, Body
from tests.acceptance.outcomes import (
    CHANGEPOINT,
    COHORT_TREND,
    CORRELATE,
    CORRELATIONS,
    MAX_BYTES,
    MAX_STATISTICS_BYTES,
    OUTCOMES,
    UNKNOWN,
    answer,
    invalid,
    new_outcome,
    query,
    refusal,
    request,
)
from tests.acceptance.outcomes_hostile import BAD_TEXTS, HOSTILE_QUERIES, NO_IDS, UNREADABLE, each_bad_page
from tests.acceptance.people import unique

REQUIRED = ["name", "brand_id", "metric_key"]
TEXTS = [*REQUIRED, "description", "unit"]
BAD_DIRECTIONS: list[Any] = [*BAD_TEXTS, "", "higher", "Higher_is_better", "lower_is_better ", "none"]
BAD_MEMBERS: list[tuple[str, Any]] = [
    *((member, value) for member in TEXTS for value in BAD_TEXTS),
    *((member, "") for member in REQUIRED),
    *(("direction", value) for value in BAD_DIRECTIONS),
]
BAD_CHANGES = [(member, value) for member, value in BAD_MEMBERS if member not in ("brand_id", "metric_key")]

NOT_ALLOWED = [
    *((method, OUTCOMES, {"GET", "POST"}) for method in ("PUT", "PATCH", "DELETE")),
    *((method, f"{OUTCOMES}/{UNKNOWN}", {"GET", "PATCH"}) for method in ("POST", "PUT", "DELETE")),
    *((method, f"{OUTCOMES}/{UNKNOWN}/entries", {"GET", "POST"}) for method in ("PUT", "PATCH", "DELETE")),
    *((method, f"{OUTCOMES}/{UNKNOWN}/summary", {"GET"}) for method in ("POST", "DELETE")),
    ("POST", f"{OUTCOMES}/{UNKNOWN}/series", {"GET"}),
    ("PUT", f"{OUTCOMES}/{UNKNOWN}/trend", {"GET"}),
    ("PATCH", f"{OUTCOMES}/{UNKNOWN}/compare", {"GET"}),
    *(("GET", path, {"POST"}) for path in (CORRELATIONS, COHORT_TREND, CHANGEPOINT, CORRELATE)),
]
UNKNOWN_PATHS = [
    f"{OUTCOMES}/{UNKNOWN}/nothing",
    f"{OUTCOMES}/{UNKNOWN}/entries/{UNKNOWN}/more",
    f"{OUTCOMES}/{UNKNOWN}/summary/more",
    "/v1/correlations",
    "/v1/correlations/nothing",
    "/cohort",
    "/cohort/nothing",
    "/patterns",
    "/patterns/nothing",
]
OTHER_TYPES = ["text/plain", "application/xml", "application/x-www-form-urlencoded", "application/jsonp"]
HUGE = [251, 1_500, 5_000, 100_000]


class Target(NamedTuple):
    """Where a body is read."""

    api: Api
    method: str
    path: str

    def send(self, content: bytes | Iterator[bytes], content_type: str = "application/json") -> httpx.Response:
        return self.api.request(self.method, self.path, content, content_type=content_type)


@pytest.fixture(params=["outcome", "change", "entry", CORRELATIONS, COHORT_TREND, CHANGEPOINT, CORRELATE])
def target(request: pytest.FixtureRequest, admin: Api) -> Target:
    match request.param:
        case "outcome":
            return Target(admin, "POST", OUTCOMES)
        case "change":
            return Target(admin, "PATCH", new_outcome(admin).path)
        case "entry":
            return Target(admin, "POST", new_outcome(admin).entries_path)
        case path:
            return Target(admin, "POST", path)


def count_of(api: Api, brand: str) -> int:
    total = answer(api.get(query(OUTCOMES, brand_id=brand)))["total"]
    assert isinstance(total, int)
    return total


@pytest.mark.parametrize(("member", "value"), BAD_MEMBERS, ids=ascii)
def test_a_bad_member_of_a_new_outcome_is_named(member: str, value: Any, admin: Api) -> None:
    brand = unique("brand")
    invalid(member, admin.post(OUTCOMES, request(brand_id=brand) | {member: value}))
    assert 0 == count_of(admin, brand)


@pytest.mark.parametrize("member", REQUIRED)
def test_a_missing_member_is_named(member: str, admin: Api) -> None:
    invalid(member, admin.post(OUTCOMES, {name: value for name, value in request().items() if name != member}))


def test_an_empty_object_lacks_the_first_member(admin: Api) -> None:
    invalid("name", admin.post(OUTCOMES, {}))


@pytest.mark.parametrize(("member", "value"), BAD_CHANGES, ids=ascii)
def test_a_bad_member_of_a_change_is_named_and_nothing_changes(member: str, value: Any, admin: Api) -> None:
    outcome = new_outcome(admin)
    others: Body = {"name": "Other", "description": "Other", "unit": "km", "direction": "lower_is_better"}
    invalid(member, admin.patch(outcome.path, others | {member: value}))
    assert outcome.body == answer(admin.get(outcome.path))


def test_a_number_beyond_a_double_is_a_bad_value_of_its_member(admin: Api) -> None:
    for member in (*TEXTS, "direction"):
        for number in ("1e400", "-1e400", "1" * 400):
            sent = {name: f'"{value}"' for name, value in request().items()} | {member: number}
            body = ", ".join(f'"{name}": {value}' for name, value in sent.items())
            invalid(member, admin.post_raw(OUTCOMES, f"{{{body}}}"))


@pytest.mark.parametrize("content", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_an_outcome_that_is_not_a_json_object_is_rejected(content: bytes, target: Target) -> None:
    refusal(400, target.send(content))


@pytest.mark.parametrize("content_type", OTHER_TYPES)
def test_a_body_of_another_type_is_refused(content_type: str, target: Target) -> None:
    assert "Content type must be application/json!" == refusal(415, target.send(b"{}", content_type))


@pytest.mark.parametrize("chunked", [False, True], ids=["with its length", "in chunks"])
def test_a_body_that_is_too_large_is_refused(chunked: bool, target: Target) -> None:
    most = MAX_STATISTICS_BYTES if target.path in (COHORT_TREND, CHANGEPOINT, CORRELATE) else MAX_BYTES
    content = b'{"name": "' + b"x" * most + b'"}'
    chunks = (content[start : start + (1 << 16)] for start in range(0, len(content), 1 << 16))
    refusal(413, target.send(chunks if chunked else content))


@pytest.mark.parametrize("depth", [100, 1_000, 100_000])
@pytest.mark.parametrize(("opened", "closed"), [("[", "]"), ('{"a":', "}")], ids=["arrays", "objects"])
def test_deep_json_is_no_server_fault(depth: int, opened: str, closed: str, target: Target) -> None:
    deep = opened * depth + "1" + closed * depth
    for body in (deep, f'{{"name": {deep}, "values": {deep}, "x": {deep}, "metadata": {deep}}}', f"[{deep}]"):
        response = target.send(body.encode())
        assert response.status_code in (200, 207, 400, 413), response.text[:1_000]
    assert 200 == target.api.get(query(OUTCOMES, limit=1)).status_code


@pytest.mark.parametrize("member", TEXTS)
@pytest.mark.parametrize("size", HUGE)
def test_a_huge_text_of_an_outcome_is_stored_whole_or_refused(size: int, member: str, admin: Api) -> None:
    sent = request() | {member: secrets.token_hex(size)}
    response = admin.post(OUTCOMES, sent)
    if response.status_code == 400:
        invalid(member, response)
    else:
        made = answer(response, 201)
        assert made[member] == sent[member]
        assert made == answer(admin.get(f"{OUTCOMES}/{made['id']}"))
        refusal(409, admin.post(OUTCOMES, sent))


@pytest.mark.parametrize("given", NO_IDS.values(), ids=NO_IDS.keys())
@pytest.mark.parametrize("rest", ["", "/entries", "/summary", "/series?granularity=day", "/trend", "/compare?by=x"])
def test_an_id_that_is_no_uuid_is_not_found(rest: str, given: str, admin: Api) -> None:
    refusal(404, admin.get(f"{OUTCOMES}/{given}{rest}"))


@pytest.mark.parametrize("given", NO_IDS.values(), ids=NO_IDS.keys())
def test_an_outcome_id_that_is_not_a_uuid_is_not_found(given: str, admin: Api) -> None:
    refusal(404, admin.patch(f"{OUTCOMES}/{given}", {"name": "Other"}))
    refusal(404, admin.post(f"{OUTCOMES}/{given}/entries", {}))
    refusal(404, admin.post(f"{OUTCOMES}/{given}/entries", []))


@pytest.mark.parametrize(
    "given", [UNKNOWN, "00000000-0000-0000-0000-000000000000", "f47ac10b-58cc-4372-a567-0e02b2c3d479"]
)
def test_an_outcome_that_is_not_there_is_not_found(given: str, admin: Api) -> None:
    for rest in ("", "/entries", "/summary", "/series?granularity=day", "/trend", "/compare?by=x"):
        refusal(404, admin.get(f"{OUTCOMES}/{given}{rest}"))
    refusal(404, admin.patch(f"{OUTCOMES}/{given}", {"name": "Other"}))
    refusal(404, admin.patch(f"{OUTCOMES}/{given}", {}))


@each_bad_page
def test_a_bad_page_is_named(name: str, sent: str, admin: Api) -> None:
    invalid(name, admin.get(f"{OUTCOMES}?{sent}"))


@pytest.mark.parametrize("sent", [*HOSTILE_QUERIES, "brand_id=%00", "metric_key=%FF", "brand_id=" + "x" * 5_000])
def test_no_query_is_a_server_fault(sent: str, admin: Api) -> None:
    response = admin.get(f"{OUTCOMES}?{sent}")
    if response.status_code == 200:
        assert {"outcomes", "total"} == answer(response).keys()
    else:
        refusal(400, response)


@pytest.mark.parametrize(("method", "path", "allowed"), NOT_ALLOWED, ids=[f"{row[0]} {row[1]}" for row in NOT_ALLOWED])
def test_a_method_that_is_not_allowed_is_refused_with_those_that_are(
    method: str, path: str, allowed: set[str], admin: Api
) -> None:
    response = admin.request(method, path)
    refusal(405, response)
    listed = {name.strip() for name in response.headers["allow"].split(",")}
    assert allowed == listed & {"GET", "POST", "PUT", "PATCH", "DELETE"}


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("path", UNKNOWN_PATHS)
def test_an_unknown_path_is_refused(method: str, path: str, admin: Api) -> None:
    refusal(404, admin.request(method, path))
