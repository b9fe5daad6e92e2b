"""Query parameters: an endpoint accepts its own, each once, and an error says what would be valid."""

from typing import Any

import pytest

from adapters.http.openapi.operations import Operation
from tests.acceptance import refusals
from tests.acceptance.audit import EVENTS
from tests.acceptance.client import UNKNOWN_ID, WEIGHT, Api, User, each_kind, refused
from tests.acceptance.generated_requests import OPERATIONS, World
from tests.acceptance.outcomes import OUTCOMES, Outcome, answer, new_outcome, refusal
from tests.acceptance.people import CHILD, EDUCATOR, People, unique

OF_API = {id: each for id, each in OPERATIONS.items() if each.action is not None or each.body is not None}
"""Operations that know their parameters; the others are about the service itself."""

GOOD = {"page": 1, "limit": 1, "offset": 1, "granularity": "day", "sort": "value", "period": "7d"}

PLACES, POSITION = "e30", "WzEsWyJhIl1d"
"""Cursors: of the audit's events, and of every other list."""
"""Values of parameters that take no date."""

each_operation = pytest.mark.parametrize("operation", OF_API.values(), ids=OF_API)


@pytest.fixture(scope="module")
def world(admin: Api, people: People) -> World:
    return World(admin, people)


def ask(operation: Operation, query: str, world: World, anyone: Api) -> Any:
    api = anyone.with_token(world.token_of(operation) or None)
    content = None if operation.method == "GET" else b"{"
    return api.request(operation.method, f"{world.path_of(operation)}?{query}", content)


def description(response: Any) -> str:
    """Of a 400, in either envelope."""
    body = response.json()
    if "error" in body:
        return refusal(400, response)
    assert refusals.fields(body["description"]) == refused(response)
    return str(body["description"])


@each_operation
def test_an_unknown_parameter_is_refused_before_the_body(operation: Operation, world: World, anyone: Api) -> None:
    for query, name in (("colour=red", "colour"), ("%20=", " "), ("Limit=1", "Limit"), ("page%00=1", "page\0")):
        told = description(ask(operation, query, world, anyone))
        assert f"{name} is not a parameter of this request!" == told


@each_operation
def test_a_parameter_that_is_given_twice_is_refused(operation: Operation, world: World, anyone: Api) -> None:
    for parameter in operation.parameters:
        if parameter.place == "query" and parameter.schema.get("type") != "array":
            cursor = PLACES if operation.id == "list_audit_events" else POSITION
            value = {**GOOD, "after": cursor}.get(parameter.name, "2020-01-01")
            query = f"{parameter.name}={value}&{parameter.name}={value}"
            assert f"{parameter.name} must be given only once!" == description(ask(operation, query, world, anyone))


@each_operation
def test_a_query_without_parameters_is_taken_as_none(operation: Operation, world: World, anyone: Api) -> None:
    for query in ("", "&", "&&&"):
        response = ask(operation, query, world, anyone)
        assert "parameter" not in response.text


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/metrics", "/openapi.json", "/docs"])
def test_paths_about_the_service_ignore_parameters(path: str, anyone: Api) -> None:
    assert 200 == anyone.get(f"{path}?colour=red&colour=blue").status_code


def test_a_long_name_is_not_sent_back(admin: Api) -> None:
    told = refused(admin.get(f"/v1/views?{'x' * 20_000}=1"))
    assert refusals.unknown_parameter("x" * 200 + "…") == told


# What comes first


def test_permissions_and_ids_are_checked_before_parameters(
    admin: Api, people: People, anyone: Api, child: User
) -> None:
    query = "colour=red"
    gone = people.application()
    of_gone = people.as_(gone)
    people.remove(gone)
    for path in (WEIGHT.path(child.id), f"{OUTCOMES}?brand_id=x&", f"{OUTCOMES}/{UNKNOWN_ID}/summary"):
        asked = f"{path}{'' if '?' in path else '?'}{query}"
        assert 401 == anyone.get(asked).status_code
    assert refusals.FORBIDDEN == refused(people.as_(child).get(f"/v1/views?{query}"))
    assert refusals.FORBIDDEN == refused(admin.post(f"{WEIGHT.path(child.id)}?{query}", WEIGHT.reading()))
    assert refusals.GONE == refused(of_gone.get(f"{WEIGHT.path(child.id)}?{query}"))
    assert refusals.GONE == refused(of_gone.post(f"{WEIGHT.path(child.id)}?{query}", WEIGHT.reading()))
    assert refusals.bad_id("child_id") == refused(people.as_(people.application()).get(f"{WEIGHT.path('x')}?{query}"))
    assert refusals.bad_id("child_id") == refused(admin.get(f"{CHILD.path}/x?{query}"))
    refusal(404, admin.get(f"{OUTCOMES}/x/trend?{query}"))


def test_the_owner_of_groups_is_checked_before_query_parameters(people: People) -> None:
    owner, other = people.create(EDUCATOR), people.create(EDUCATOR)
    path = f"{EDUCATOR.path}/{other.id}/children/groups?colour=red"
    assert refusals.FORBIDDEN == refused(people.as_(owner).get(path))
    assert refusals.unknown_parameter("colour") == refused(people.as_(other).get(path))


@each_kind
def test_a_command_with_an_unknown_parameter_records_nothing(kind: Any, application: Api, child: User) -> None:
    for content in (kind.reading(), [kind.reading()]):
        told = refused(application.post(f"{kind.path(child.id)}?dry_run=true", content))
        assert refusals.unknown_parameter("dry_run") == told
    assert [] == kind.listed(application, child.id)


def test_a_login_has_no_parameters(anyone: Api, people: People) -> None:
    user = people.child()
    body = {"username": user.username, "password": user.password}
    assert refusals.unknown_parameter("expires") == refused(anyone.post("/v1/auth?expires=never", body))
    assert people.as_(user).token


# What would be right


@pytest.fixture(scope="module")
def outcome(admin: Api) -> Outcome:
    made = Outcome(admin, new_outcome(admin).body)
    made.record()
    return made


BAD = [
    ("", "limit=0", "limit must be a whole number from 1 to 1000!"),
    ("", "limit=x", "limit must be a whole number from 1 to 1000!"),
    ("", "offset=-1", "offset must be a whole number from 0 to 999999999999999999!"),
    ("", "page=2", "page is not a parameter of this request!"),
    ("/summary", "subject=anna", "subject is not a parameter of this request!"),
    ("/summary", "from=x", "from must be a time in the format yyyy-MM-ddTHH:mm:ssZ, or a date!"),
    ("/series", "granularity=year", "granularity must be day, week or month!"),
    ("/series", "", "granularity must be day, week or month!"),
    ("/series", "granularity=day&granularity=day", "granularity must be given only once!"),
    ("/compare", "", "by must be the name of a member of metadata!"),
    ("/summary", f"subject_id={'x' * 201}", "subject_id must have at most 200 characters!"),
    *(
        (path, f"{asked}from={start}&to={end}", "from must be before to!")
        for path, asked in (("/entries", ""), ("/summary", ""), ("/series", "granularity=day&"), ("/compare", "by=x&"))
        for start, end in (("2020-01-02", "2020-01-01"), ("2020-01-01", "2020-01-01T01:00:00%2B01:00"))
    ),
]


@pytest.mark.parametrize(("path", "query", "told"), BAD)
def test_the_refusal_of_an_outcome_query_parameter_says_what_would_be_valid(
    path: str, query: str, told: str, outcome: Outcome
) -> None:
    assert told == refusal(400, outcome.api.get(f"{outcome.path if path else OUTCOMES}{path}?{query}"))


@each_kind
def test_a_filter_has_200_characters_at_most(kind: Any, application: Api, child: User) -> None:
    for name, longest in (("unit", "*" * 200), ("value", "1," * 99 + "10"), ("timestamp", "2020-01-01," * 18 + "20")):
        for length in (201, 50_000):
            told = refused(application.get(f"{kind.path(child.id)}?{name}={'1' * length}"))
            assert refusals.fields(f"{name} must have at most 200 characters!") == told
        taken = application.get(f"{kind.path(child.id)}?{name}={longest}")
        assert ("timestamp" == name) == (taken.status_code == 400), taken.text
    many = "&".join(["value=1,2,3,4,5"] * 21)
    told = refused(application.get(f"{kind.path(child.id)}?{many}"))
    assert refusals.fields("value must have at most 100 conditions, with those of other parameters!") == told


@each_kind
@pytest.mark.parametrize("sort", ["+timestamp", "%2Btimestamp", "%20timestamp", "timestamp"])
def test_a_plus_before_a_member_sorts_as_without_it(sort: str, kind: Any, application: Api, child: User) -> None:
    times = [f"2019-06-{day}T12:00:00.000Z" for day in ("03", "01", "02")]
    for time in times:
        kind.record(application, child.id, timestamp=time)
    listed = kind.listed(application, child.id, f"sort={sort}")
    assert sorted(times) == [item["timestamp"] for item in listed]


@each_kind
def test_a_range_of_start_and_end_may_be_empty(kind: Any, application: Api, child: User) -> None:
    kind.record(application, child.id)
    assert [] == kind.listed(application, child.id, "start_at=2020-01-02&end_at=2020-01-01")


# The audit


def test_an_event_without_its_version_means_all_versions(admin: Api, application: Api, child: User) -> None:
    weight = WEIGHT.record(application, child.id)
    application.delete(WEIGHT.path(child.id, weight["id"]))
    for name in ("measurement.removed", "measurement.removed.v2"):
        events = answer(admin.get(f"{EVENTS}?event={name}&stream={weight['id']}"))["events"]
        assert ["measurement.removed.v2"] == [event["event"] for event in events]
    for name in ("measurement.removed.v1", "measurement.remove", "measurement", "measurement.removed.v", unique("x")):
        assert [] == answer(admin.get(f"{EVENTS}?event={name}&stream={weight['id']}"))["events"]


def test_the_audit_refuses_what_it_does_not_know(admin: Api, child: User) -> None:
    path = f"/v1/audit/streams/{child.id}"
    assert refusals.unknown_parameter("asof") == refused(admin.get(f"{path}/state?asof=2020-01-01"))
    assert refusals.unknown_parameter("as_of") == refused(admin.get(f"{path}?as_of=2020-01-01"))
    assert refusals.unknown_parameter("page") == refused(admin.get(f"{EVENTS}?page=2"))
    told = refused(admin.get(f"{EVENTS}?from=2020-01-01T00:00:00.000001Z&to=2020-01-01T00:00:00.000001Z"))
    assert refusals.fields("from must be before to!") == told
    assert 200 == admin.get(f"{EVENTS}?from=2020-01-01T00:00:00.000001Z&to=2020-01-01T00:00:00.000002Z").status_code
