"""GET of a list and of one measurement: whole bodies, order, sorting, pages."""

import pytest

from tests.acceptance import refusals
from tests.acceptance.client import (
    BODY_FAT,
    KINDS,
    UNKNOWN_ID,
    WEIGHT,
    Api,
    Body,
    Kind,
    User,
    each_kind,
    refused,
)
from tests.acceptance.people import People

READINGS: list[Body] = [
    {"timestamp": "2019-06-03T00:00:00Z", "value": 62, "unit": "lb"},
    {"timestamp": "2019-06-01T00:00:00Z", "value": 70.2, "unit": "kg"},
    {"timestamp": "2019-06-04T00:00:00Z", "value": 60, "unit": "kg"},
    {"timestamp": "2019-06-02T00:00:00Z", "value": 100, "unit": "lb"},
    {"timestamp": "2019-06-05T00:00:00Z", "value": 60, "unit": "lb"},
]

SORTS = [
    ("sort=timestamp", [1, 3, 0, 2, 4]),
    ("sort=-timestamp", [4, 2, 0, 3, 1]),
    ("sort=value,timestamp", [2, 4, 0, 1, 3]),
    ("sort=value,-timestamp", [4, 2, 0, 1, 3]),
    ("sort=-value,timestamp", [3, 1, 0, 2, 4]),
    ("sort=-value,-timestamp", [3, 1, 0, 4, 2]),
]
SORTS_OF_WEIGHTS = [
    ("sort=unit,value", [2, 1, 4, 0, 3]),
    ("sort=-unit,-value", [3, 0, 4, 1, 2]),
    ("sort=unit,-timestamp", [2, 1, 4, 0, 3]),
]

PAGES = [
    ("page=1&limit=2", [1, 3]),
    ("page=2&limit=2", [0, 2]),
    ("page=3&limit=2", [4]),
    ("page=4&limit=2", []),
    ("page=1000000", []),
    ("limit=1", [1]),
    ("limit=1000", [1, 3, 0, 2, 4]),
    ("page=1", [1, 3, 0, 2, 4]),
]

BAD_PAGES = [("page", text) for text in ("0", "-1", "1.5", "abc", "", "1e2", "%D9%A1")] + [
    ("limit", text) for text in ("0", "-1", "1001", "1.5", "abc", "", "all", "99999999999999999999999")
]


@pytest.fixture(scope="module")
def listed_child(people: People) -> User:
    return people.child()


@pytest.fixture(scope="module")
def recorded(listed_child: User, application: Api) -> dict[str, list[Body]]:
    """The answers to READINGS by collection; weights and body fats have no link."""
    return {kind.collection: [kind.record(application, listed_child.id, **r) for r in READINGS] for kind in KINDS}


@each_kind
def test_a_list_is_a_bare_array_with_the_latest_recorded_first(
    kind: Kind, application: Api, listed_child: User, recorded: dict[str, list[Body]]
) -> None:
    response = application.get(kind.path(listed_child.id))
    assert 200 == response.status_code
    assert recorded[kind.collection][::-1] == response.json()
    assert "5" == response.headers["x-total-count"]


@each_kind
def test_the_list_of_a_child_without_measurements_is_empty(kind: Kind, application: Api, child: User) -> None:
    response = application.get(kind.path(child.id))
    assert (200, [], "0") == (response.status_code, response.json(), response.headers["x-total-count"])


@each_kind
def test_a_page_holds_a_hundred_when_no_limit_is_given(kind: Kind, application: Api, child: User) -> None:
    items = [kind.reading(timestamp=f"2019-06-20T12:{n // 60:02}:{n % 60:02}Z") for n in range(101)]
    application.post(kind.path(child.id), items)
    first, second = application.get(kind.path(child.id)), application.get(f"{kind.path(child.id)}?page=2")
    assert (100, 1) == (len(first.json()), len(second.json()))
    assert ("101", "101") == (first.headers["x-total-count"], second.headers["x-total-count"])
    assert 101 == len({item["id"] for item in first.json() + second.json()})


@each_kind
def test_the_items_of_one_array_are_listed_in_the_same_order_every_time(
    kind: Kind, application: Api, child: User
) -> None:
    items = [kind.reading(timestamp=f"2019-06-20T12:00:{n:02}Z") for n in range(20)]
    application.post(kind.path(child.id), items)
    whole = kind.listed(application, child.id)
    pages = [kind.listed(application, child.id, f"page={page}&limit=7") for page in (1, 2, 3)]
    assert whole == [item for page in pages for item in page]
    by_value = kind.listed(application, child.id, "sort=value")
    pages = [kind.listed(application, child.id, f"sort=value&page={page}&limit=7") for page in (1, 2, 3)]
    assert by_value == [item for page in pages for item in page]


@pytest.mark.parametrize(
    ("kind", "query", "places"),
    [(kind, *row) for kind in KINDS for row in SORTS] + [(WEIGHT, *row) for row in SORTS_OF_WEIGHTS],
    ids=[f"{kind.collection} {row[0]}" for kind in KINDS for row in SORTS] + [row[0] for row in SORTS_OF_WEIGHTS],
)
def test_a_list_is_sorted_by_the_members_that_are_named(
    kind: Kind,
    query: str,
    places: list[int],
    application: Api,
    listed_child: User,
    recorded: dict[str, list[Body]],
) -> None:
    expected = [recorded[kind.collection][place] for place in places]
    assert expected == kind.listed(application, listed_child.id, query)


@each_kind
@pytest.mark.parametrize("query", ["sort=colour", "sort=-colour", "sort=timestamp,colour"])
def test_a_sort_by_an_unknown_member_is_refused(kind: Kind, query: str, application: Api, listed_child: User) -> None:
    body = refused(application.get(f"{kind.path(listed_child.id)}?{query}"))
    assert refusals.fields(body["description"]) == body
    assert "colour" in body["description"]


@each_kind
@pytest.mark.parametrize(("query", "places"), PAGES, ids=[query for query, _ in PAGES])
def test_a_page_is_a_part_of_the_list_and_counts_the_whole(
    kind: Kind,
    query: str,
    places: list[int],
    application: Api,
    listed_child: User,
    recorded: dict[str, list[Body]],
) -> None:
    response = application.get(f"{kind.path(listed_child.id)}?sort=timestamp&{query}")
    assert [recorded[kind.collection][place] for place in places] == response.json()
    assert "5" == response.headers["x-total-count"]


@each_kind
@pytest.mark.parametrize(("name", "text"), BAD_PAGES, ids=[f"{name}={text}" for name, text in BAD_PAGES])
def test_a_page_or_limit_outside_its_bounds_is_refused(
    kind: Kind, name: str, text: str, application: Api, listed_child: User
) -> None:
    body = refused(application.get(f"{kind.path(listed_child.id)}?{name}={text}"))
    assert refusals.fields(body["description"]) == body
    assert name in body["description"]


@each_kind
def test_a_page_too_far_to_count_is_no_server_fault(kind: Kind, application: Api, listed_child: User) -> None:
    response = application.get(f"{kind.path(listed_child.id)}?page=99999999999999999999999999&limit=1000")
    assert response.status_code in (200, 400), response.text


@each_kind
def test_get_by_id_answers_what_the_post_answered(
    kind: Kind, application: Api, listed_child: User, recorded: dict[str, list[Body]]
) -> None:
    for item in recorded[kind.collection]:
        response = application.get(kind.path(listed_child.id, item["id"]))
        assert (200, item) == (response.status_code, response.json())


@each_kind
def test_ids_in_upper_case_are_the_same_ids(
    kind: Kind, application: Api, listed_child: User, recorded: dict[str, list[Body]]
) -> None:
    item = recorded[kind.collection][0]
    response = application.get(kind.path(listed_child.id.upper(), item["id"].upper()))
    assert (200, item) == (response.status_code, response.json())
    assert recorded[kind.collection][::-1] == kind.listed(application, listed_child.id.upper())


@each_kind
def test_get_by_id_of_what_never_was_is_not_found(kind: Kind, application: Api, child: User) -> None:
    assert refusals.not_found(kind) == refused(application.get(kind.path(child.id, UNKNOWN_ID)))


@each_kind
def test_get_by_id_answers_only_for_the_right_child(
    kind: Kind, application: Api, child: User, recorded: dict[str, list[Body]]
) -> None:
    item = recorded[kind.collection][0]
    assert refusals.not_found(kind) == refused(application.get(kind.path(child.id, item["id"])))


@pytest.mark.parametrize(("kind", "other"), [(WEIGHT, BODY_FAT), (BODY_FAT, WEIGHT)], ids=["weight", "body fat"])
def test_get_by_id_answers_only_for_the_right_kind(
    kind: Kind, other: Kind, application: Api, listed_child: User, recorded: dict[str, list[Body]]
) -> None:
    item = recorded[other.collection][0]
    assert refusals.not_found(kind) == refused(application.get(kind.path(listed_child.id, item["id"])))
    assert refusals.not_found(kind) == refused(application.get(kind.path(listed_child.id, listed_child.id)))


@each_kind
def test_get_for_an_unknown_child_is_refused(kind: Kind, application: Api) -> None:
    expected = refusals.no_child(UNKNOWN_ID)
    assert expected == refused(application.get(kind.path(UNKNOWN_ID)))
    assert expected == refused(application.get(kind.path(UNKNOWN_ID, UNKNOWN_ID)))


def test_the_list_of_one_child_holds_nothing_of_another(people: People, application: Api) -> None:
    children = [people.child() for _ in range(3)]
    weights = [WEIGHT.record(application, child.id, value=70 + n) for n, child in enumerate(children)]
    assert [[weight] for weight in weights] == [WEIGHT.listed(application, child.id) for child in children]
