"""An array of outcomes: 207 with every item answered once, or one refusal for the whole array."""

from typing import Any

import pytest

from tests.acceptance.client import Api, Body
from tests.acceptance.outcomes import (
    MAX_ITEMS,
    OUTCOMES,
    answer,
    multi_status,
    new_outcome,
    query,
    refusal,
    request,
    user_id,
)
from tests.acceptance.outcomes_hostile import NO_OBJECTS
from tests.acceptance.people import People, unique

GENERATED = {"id", "created_by", "created_at", "updated_at"}


def stored(sent: Body) -> Body:
    """What is stored for a request, without what the service sets."""
    return {"description": None, "unit": None, "direction": "higher_is_better"} | sent


def given(made: Body) -> Body:
    return {member: value for member, value in made.items() if member not in GENERATED}


def count_of(api: Api, brand: str) -> int:
    total = answer(api.get(query(OUTCOMES, brand_id=brand)))["total"]
    assert isinstance(total, int)
    return total


def test_an_empty_array_is_answered_with_two_empty_arrays(admin: Api) -> None:
    assert {"success": [], "error": []} == answer(admin.post(OUTCOMES, []), 207)


def test_accepted_items_are_answered_in_order_and_listed(admin: Api) -> None:
    brand = unique("brand")
    items = [request(brand_id=brand, name=name, unit="km") for name in ("c", "a", "b")]
    success, error = multi_status(admin.post(OUTCOMES, items))
    assert ([stored(item) for item in items], []) == ([given(made) for made in success], error)
    assert {user_id(admin)} == {made["created_by"] for made in success}
    assert success[::-1] == answer(admin.get(query(OUTCOMES, brand_id=brand)))["outcomes"]
    for made in success:
        assert made == answer(admin.get(f"{OUTCOMES}/{made['id']}"))


def test_the_first_of_equal_outcomes_in_an_array_is_accepted(admin: Api) -> None:
    sent = request()
    again = sent | {"description": "again", "direction": "lower_is_better"}
    success, error = multi_status(admin.post(OUTCOMES, [sent, again, sent]))
    assert [stored(sent)] == [given(made) for made in success]
    assert [(409, stored(again)), (409, stored(sent))] == error


def test_the_item_of_a_duplicate_is_what_would_have_been_stored(admin: Api) -> None:
    made = new_outcome(admin, description="Of the watch", unit="steps").body
    again = given(made) | {"unit": "km", "id": "x", "created_by": "x", "colour": "red"}
    assert ([], [(409, given(made) | {"unit": "km"})]) == multi_status(admin.post(OUTCOMES, [again]))
    left_out = {member: made[member] for member in ("name", "brand_id", "metric_key")}
    assert ([], [(409, stored(left_out))]) == multi_status(admin.post(OUTCOMES, [left_out]))


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("name", ""),
        ("brand_id", None),
        ("metric_key", "a\x00b\ud800"),
        ("description", None),
        ("unit", [[1]]),
        ("direction", "up"),
        ("direction", {"big": 10**400 + 1, "\ud800\x00\U0001f600": [None, 1.5, False, "\ud800"]}),
    ],
    ids=ascii,
)
def test_the_item_of_a_400_is_what_was_sent(member: str, value: Any, admin: Api) -> None:
    item = request(**{member: value}) | {"id": "x", "colour": [1.0, 10**30, "\x00"]}
    response = admin.post(OUTCOMES, [item])
    assert ([], [(400, item)]) == multi_status(response)
    assert member in response.json()["error"][0]["message"]


@pytest.mark.parametrize("element", NO_OBJECTS, ids=repr)
def test_an_element_that_is_no_object_lacks_every_member(element: Any, admin: Api) -> None:
    sent = request()
    response = admin.post(OUTCOMES, [element, sent])
    success, error = multi_status(response)
    assert ([stored(sent)], [(400, element)]) == ([given(made) for made in success], error)
    assert "name" in response.json()["error"][0]["message"]


def test_a_refused_item_undoes_no_other_and_both_arrays_keep_the_order(admin: Api) -> None:
    there = new_outcome(admin, name="a").body
    brand = there["brand_id"]
    items: list[Any] = [
        request(brand_id=brand, name="c"),
        request(brand_id=brand, name="a"),
        None,
        request(brand_id=brand, name="b"),
        request(brand_id=brand, name=""),
        request(brand_id=brand, name="c"),
        request(brand_id=brand, name="d"),
    ]
    success, error = multi_status(admin.post(OUTCOMES, items))
    assert ["c", "b", "d"] == [made["name"] for made in success]
    assert [(409, stored(items[1])), (400, None), (400, items[4]), (409, stored(items[5]))] == error
    listed = answer(admin.get(query(OUTCOMES, brand_id=brand)))
    assert {"outcomes": [*success[::-1], there], "total": 4} == listed


def test_an_array_sent_again_is_refused_item_by_item(admin: Api) -> None:
    items = [request(name=str(number)) for number in range(3)]
    admin.post(OUTCOMES, items)
    assert ([], [(409, stored(item)) for item in items]) == multi_status(admin.post(OUTCOMES, items))


def test_an_array_of_outcomes_over_the_limit_is_rejected_as_a_whole(admin: Api) -> None:
    brand = unique("brand")
    items = [request(brand_id=brand, name=str(number)) for number in range(MAX_ITEMS + 1)]
    refusal(413, admin.post(OUTCOMES, items))
    assert 0 == count_of(admin, brand)


def test_a_thousand_items_are_accepted(admin: Api) -> None:
    brand = unique("brand")
    items = [request(brand_id=brand, name=str(number)) for number in range(1_000)]
    success, error = multi_status(admin.post(OUTCOMES, items))
    assert (1_000, []) == (len(success), error)
    assert success[::-1] == answer(admin.get(query(OUTCOMES, brand_id=brand, limit=1_000)))["outcomes"]


@pytest.mark.parametrize("extra", [[], [{}], [None], [[]]], ids=str)
def test_an_array_of_who_may_not_is_refused_whole(
    extra: list[Any], people: People, application: Api, anyone: Api
) -> None:
    sent = request()
    assert "admin role required" == refusal(403, application.post(OUTCOMES, [sent, *extra]))
    assert "admin role required" == refusal(403, application.post(OUTCOMES, extra))
    refusal(401, anyone.post(OUTCOMES, [sent, *extra]))
    assert 0 == count_of(people.admin, sent["brand_id"])


@pytest.mark.parametrize("body", [[], [{"name": "x"}]], ids=str)
def test_a_change_takes_no_array(body: list[Any], admin: Api) -> None:
    outcome = new_outcome(admin)
    refusal(400, admin.patch(outcome.path, body))
    assert outcome.body == answer(admin.get(outcome.path))
