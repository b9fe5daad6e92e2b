"""The permissions on outcomes, and the order of the checks."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.acceptance.client import Api, Body
from tests.acceptance.outcomes import (
    CHANGEPOINT,
    COHORT_TREND,
    CORRELATE,
    CORRELATIONS,
    OUTCOMES,
    STRANGERS,
    UNKNOWN,
    Outcome,
    answer,
    day,
    new_outcome,
    refusal,
    request,
    strangers,
)
from tests.acceptance.people import APPLICATION, People

BODIES: dict[str, Any] = {
    "valid": None,
    "no JSON": b"{",
    "an array": b"[]",
    "an array of nothing": b"[null]",
    "no members": b"{}",
    "a bad member": b'{"name": 5, "values": 5, "value": 5}',
    "another type": b"<x/>",
}
ONE_TO_SIX = [1.0, 2.0, 4.0, 3.0, 5.0, 6.0]


@pytest.fixture(scope="module")
def outcome(admin: Api) -> Outcome:
    made = new_outcome(admin)
    for group in ("a", "b"):
        rows = [(f"{one} of {group}", day(number), number % one) for one in (2, 3, 4) for number in range(1, 8)]
        made.enter(rows, metadata={"group": group})
    return made


def reads(outcome: Outcome) -> Iterator[tuple[str, str, Body | None]]:
    """Every request that reads, with a body that is answered with 200."""
    yield "GET", OUTCOMES, None
    for rest in ("", "/entries", "/summary", "/series?granularity=day", "/trend", "/compare?by=group"):
        yield "GET", outcome.path + rest, None
    pair = {"outcome_id_a": outcome.id, "outcome_id_b": outcome.id, "brand_id": outcome.body["brand_id"]}
    yield "POST", CORRELATIONS, pair
    yield "POST", COHORT_TREND, {"values": ONE_TO_SIX}
    yield "POST", CHANGEPOINT, {"values": ONE_TO_SIX}
    yield "POST", CORRELATE, {"x": ONE_TO_SIX, "y": ONE_TO_SIX[::-1]}


def entries(outcome: Outcome) -> Iterator[tuple[str, str, Any]]:
    yield "POST", outcome.entries_path, outcome.entry()
    yield "POST", outcome.entries_path, [outcome.entry()]
    yield "POST", outcome.entries_path, []


def admins(outcome: Outcome) -> Iterator[tuple[str, str, Any]]:
    """What only an admin may do."""
    yield "POST", OUTCOMES, request()
    yield "POST", OUTCOMES, [request()]
    yield "POST", OUTCOMES, []
    yield "PATCH", outcome.path, {"name": "Other"}


def test_admins_and_applications_read_everything(admin: Api, application: Api, outcome: Outcome) -> None:
    for api in (admin, application):
        for method, path, body in reads(outcome):
            response = api.get(path) if body is None else api.send(method, path, body)
            assert 200 == response.status_code, (path, response.text)


@pytest.mark.parametrize("role", [account.sub_type for account in STRANGERS])
def test_every_other_role_reads_and_writes_nothing(role: str, roles: dict[str, Api], outcome: Outcome) -> None:
    before = outcome.listed()
    for method, path, body in (*reads(outcome), *entries(outcome)):
        refusal(403, roles[role].send(method, path, body) if body is not None else roles[role].get(path))
    assert before == outcome.listed()


@pytest.mark.parametrize("role", [account.sub_type for account in STRANGERS] + ["application"])
def test_only_an_admin_creates_and_changes_outcomes(role: str, roles: dict[str, Api], outcome: Outcome) -> None:
    for method, path, body in admins(outcome):
        assert "admin role required" == refusal(403, roles[role].send(method, path, body))
    assert outcome.body == answer(outcome.api.get(outcome.path))


@pytest.fixture(scope="module")
def roles(people: People, application: Api) -> dict[str, Api]:
    return strangers(people) | {"application": application}


def test_outcome_endpoints_reject_requests_without_a_valid_token(anyone: Api, outcome: Outcome) -> None:
    for api in (anyone, anyone.with_token("x"), anyone.with_token(f"{outcome.api.token}x")):
        for method, path, body in (*reads(outcome), *entries(outcome), *admins(outcome)):
            refusal(401, api.send(method, path, body) if body is not None else api.get(path))


def test_a_token_of_an_application_that_is_gone_is_no_good(people: People, outcome: Outcome) -> None:
    user = people.create(APPLICATION)
    api = people.as_(user)
    assert 201 == api.post(outcome.entries_path, outcome.entry(subject_id="of the gone")).status_code
    people.remove(user)
    before = outcome.listed()
    for method, path, body in (*reads(outcome), *entries(outcome)):
        refusal(401, api.send(method, path, body) if body is not None else api.get(path))
    for method, path, body in admins(outcome):
        # Its role alone forbids it; that is known before anybody looks whether the user is still there.
        assert api.send(method, path, body).status_code in (401, 403)
    assert before == outcome.listed()


@pytest.mark.parametrize("content", BODIES.values(), ids=BODIES.keys())
def test_outcome_permissions_are_checked_before_ids_bodies_and_facts(
    content: bytes | None, anyone: Api, roles: dict[str, Api], outcome: Outcome
) -> None:
    content_type = "text/xml" if content == b"<x/>" else "application/json"
    paths = [(method, path) for method, path, _ in (*reads(outcome), *entries(outcome), *admins(outcome))]
    paths += [("POST", f"{OUTCOMES}/x/entries"), ("PATCH", f"{OUTCOMES}/x"), ("PATCH", f"{OUTCOMES}/{UNKNOWN}")]
    for method, path in paths:
        sent = None if method == "GET" else content or b"{}"
        if content_type == "application/json":
            refusal(401, anyone.request(method, path, sent, content_type=content_type))
            refusal(403, roles["educator"].request(method, path, sent, content_type=content_type))
        else:
            assert anyone.request(method, path, sent, content_type=content_type).status_code in (401, 415)


def test_queries_and_ids_are_looked_at_after_who_may(anyone: Api, roles: dict[str, Api]) -> None:
    for path in (f"{OUTCOMES}?limit=0", f"{OUTCOMES}/x", f"{OUTCOMES}/{UNKNOWN}/entries?from=x", f"{OUTCOMES}/x/trend"):
        refusal(401, anyone.get(path))
        refusal(403, roles["family"].get(path))


def test_an_id_that_is_no_uuid_comes_before_the_body(admin: Api) -> None:
    for content in (b"{", b"{}", b"[null]", b'{"name": 5, "value": 5}'):
        refusal(404, admin.post_raw(f"{OUTCOMES}/x/entries", content))
        refusal(404, admin.request("PATCH", f"{OUTCOMES}/x", content, content_type="application/json"))


def test_the_body_comes_before_what_is_known(admin: Api, outcome: Outcome) -> None:
    unknown = f"{OUTCOMES}/{UNKNOWN}"
    refusal(400, admin.post_raw(f"{unknown}/entries", b"{"))
    refusal(400, admin.patch(unknown, {"name": ""}))
    refusal(400, admin.post(outcome.entries_path, outcome.entry(brand_id="other", value="x")))
    refusal(400, admin.post(OUTCOMES, outcome.body | {"description": "x", "unit": 5}))


def test_the_members_of_an_entry_come_before_whether_there_is_its_outcome(admin: Api, outcome: Outcome) -> None:
    unknown = f"{OUTCOMES}/{UNKNOWN}/entries"
    refusal(404, admin.post(unknown, outcome.entry()))
    refusal(400, admin.post(unknown, outcome.entry(value="x")))
    refusal(400, admin.post(unknown, {}))


def test_a_query_comes_before_what_is_known(admin: Api) -> None:
    for rest in ("entries?limit=0", "summary?from=x", "series?granularity=year", "trend?to=x", "compare?by=x&from=x"):
        refusal(400, admin.get(f"{OUTCOMES}/{UNKNOWN}/{rest}"))
