"""The body fat that travels with a weight: recorded or revised with it, never linked by chance."""

import pytest

from tests.acceptance import refusals
from tests.acceptance.client import BODY_FAT, NOON, WEIGHT, Api, User, multi_status, refused, without_id
from tests.acceptance.people import People

LATER = "2019-06-20T12:00:00.001Z"


def body_fats(api: Api, child: User) -> list[dict[str, object]]:
    return [without_id(item) for item in BODY_FAT.listed(api, child.id, "sort=timestamp")]


@pytest.mark.parametrize(("sent", "stored"), [(20.1, 20.1), ("20.1", 20.1), (0, 0)], ids=["number", "text", "0"])
def test_a_weight_with_body_fat_also_records_a_body_fat(
    sent: object, stored: float, application: Api, child: User
) -> None:
    weight = WEIGHT.record(application, child.id, body_fat=sent)
    assert stored == weight["body_fat"]
    assert [BODY_FAT.answer(child.id, value=stored)] == body_fats(application, child)
    [body_fat] = BODY_FAT.listed(application, child.id)
    assert weight["id"] != body_fat["id"]
    assert body_fat == application.get(BODY_FAT.path(child.id, body_fat["id"])).json()
    assert weight == application.get(WEIGHT.path(child.id, weight["id"])).json()
    assert [weight] == WEIGHT.listed(application, child.id)


def test_a_weight_without_body_fat_records_none(application: Api, child: User) -> None:
    assert "body_fat" not in WEIGHT.record(application, child.id)
    assert [] == BODY_FAT.listed(application, child.id)


def test_a_body_fat_at_the_instant_of_a_weight_with_body_fat_is_a_duplicate(application: Api, child: User) -> None:
    weight = WEIGHT.record(application, child.id, body_fat=20.1)
    response = application.post(BODY_FAT.path(child.id), BODY_FAT.reading(value=30))
    assert refusals.already_registered("Body Fat") == refused(response)
    assert [BODY_FAT.answer(child.id, value=20.1)] == body_fats(application, child)
    assert [weight] == WEIGHT.listed(application, child.id)


def test_a_body_fat_at_the_instant_of_a_weight_without_is_accepted_and_not_linked(
    application: Api, child: User
) -> None:
    weight = WEIGHT.record(application, child.id)
    BODY_FAT.record(application, child.id, value=30)
    assert [weight] == WEIGHT.listed(application, child.id)


def test_a_weight_without_body_fat_is_not_linked_to_one_that_is_there(application: Api, child: User) -> None:
    body_fat = BODY_FAT.record(application, child.id, value=30)
    weight = WEIGHT.record(application, child.id)
    assert "body_fat" not in weight
    assert [weight] == WEIGHT.listed(application, child.id)
    assert [body_fat] == BODY_FAT.listed(application, child.id)


def test_a_weight_revises_the_body_fat_that_is_there_and_keeps_its_id(application: Api, child: User) -> None:
    body_fat = BODY_FAT.record(application, child.id, value=30, timestamp="2019-06-20T13:00:00+01:00")
    weight = WEIGHT.record(application, child.id, body_fat=20.1)
    assert WEIGHT.answer(child.id, body_fat=20.1) == without_id(weight)
    assert [body_fat | {"value": 20.1}] == BODY_FAT.listed(application, child.id)
    assert body_fat | {"value": 20.1} == application.get(BODY_FAT.path(child.id, body_fat["id"])).json()


def test_only_the_body_fat_of_that_child_and_instant_is_revised(people: People, application: Api) -> None:
    child, other = people.child(), people.child()
    others = BODY_FAT.record(application, other.id, value=30)
    later = BODY_FAT.record(application, child.id, value=31, timestamp=LATER)
    WEIGHT.record(application, child.id, body_fat=20.1)
    assert [others] == BODY_FAT.listed(application, other.id)
    assert [BODY_FAT.answer(child.id, value=20.1), without_id(later)] == body_fats(application, child)


def test_a_duplicate_weight_leaves_body_fats_untouched(application: Api, child: User) -> None:
    WEIGHT.record(application, child.id)
    again = WEIGHT.reading(body_fat=25)
    assert refusals.already_registered("Weight") == refused(application.post(WEIGHT.path(child.id), again))
    assert [] == BODY_FAT.listed(application, child.id)
    body_fat = BODY_FAT.record(application, child.id, value=30)
    assert refusals.already_registered("Weight") == refused(application.post(WEIGHT.path(child.id), again))
    assert [body_fat] == BODY_FAT.listed(application, child.id)


@pytest.mark.parametrize(
    "change",
    [{"value": -1}, {"unit": ""}, {"timestamp": None}, {"body_fat": -1}],
    ids=str,
)
def test_an_invalid_weight_leaves_body_fats_untouched(change: dict[str, object], application: Api, child: User) -> None:
    body_fat = BODY_FAT.record(application, child.id, value=30)
    response = application.post(WEIGHT.path(child.id), WEIGHT.reading(body_fat=25) | change)
    assert 400 == refused(response)["code"]
    assert [body_fat] == BODY_FAT.listed(application, child.id)


def test_removing_the_weight_leaves_the_body_fat(application: Api, child: User) -> None:
    weight = WEIGHT.record(application, child.id, body_fat=20.1)
    body_fat = BODY_FAT.listed(application, child.id)
    application.delete(WEIGHT.path(child.id, weight["id"]))
    assert [] == WEIGHT.listed(application, child.id)
    assert body_fat == BODY_FAT.listed(application, child.id)


def test_a_weight_recorded_again_revises_the_body_fat_that_the_first_left(application: Api, child: User) -> None:
    weight = WEIGHT.record(application, child.id, body_fat=20.1)
    [body_fat] = BODY_FAT.listed(application, child.id)
    application.delete(WEIGHT.path(child.id, weight["id"]))
    again = WEIGHT.record(application, child.id, body_fat=19)
    assert [again] == WEIGHT.listed(application, child.id)
    assert [body_fat | {"value": 19}] == BODY_FAT.listed(application, child.id)


def test_removing_the_body_fat_takes_it_off_the_weight(application: Api, child: User) -> None:
    weight = WEIGHT.record(application, child.id, body_fat=20.1)
    [body_fat] = BODY_FAT.listed(application, child.id)
    assert 204 == application.delete(BODY_FAT.path(child.id, body_fat["id"])).status_code
    bare = {member: value for member, value in weight.items() if member != "body_fat"}
    assert bare == application.get(WEIGHT.path(child.id, weight["id"])).json()
    assert [bare] == WEIGHT.listed(application, child.id)
    assert [] == BODY_FAT.listed(application, child.id)


def test_a_body_fat_recorded_after_the_linked_one_was_removed_is_not_linked(application: Api, child: User) -> None:
    WEIGHT.record(application, child.id, body_fat=20.1)
    [linked] = BODY_FAT.listed(application, child.id)
    application.delete(BODY_FAT.path(child.id, linked["id"]))
    body_fat = BODY_FAT.record(application, child.id, value=30)
    assert linked["id"] != body_fat["id"]
    assert [WEIGHT.answer(child.id)] == [without_id(item) for item in WEIGHT.listed(application, child.id)]


def test_removing_a_body_fat_leaves_the_weights_of_other_children_and_instants(
    people: People, application: Api
) -> None:
    child, other = people.child(), people.child()
    removed_with = WEIGHT.record(application, child.id, body_fat=20.1)
    [body_fat] = BODY_FAT.listed(application, child.id)
    later = WEIGHT.record(application, child.id, body_fat=20.1, timestamp=LATER)
    others = WEIGHT.record(application, other.id, body_fat=20.1)
    application.delete(BODY_FAT.path(other.id, body_fat["id"]))
    assert [removed_with, later] == WEIGHT.listed(application, child.id, "sort=timestamp")
    application.delete(BODY_FAT.path(child.id, body_fat["id"]))
    assert [later] == [item for item in WEIGHT.listed(application, child.id) if "body_fat" in item]
    assert [others] == WEIGHT.listed(application, other.id)


def test_items_of_one_array_bring_their_body_fats(application: Api, child: User) -> None:
    kept = BODY_FAT.record(application, child.id, value=30)
    items = [
        WEIGHT.reading(body_fat=20.1),
        WEIGHT.reading(body_fat=21, timestamp=LATER),
        WEIGHT.reading(body_fat=99),
        WEIGHT.reading(body_fat=98, timestamp="2019-06-20T12:00:01Z", unit=""),
    ]
    success, error = multi_status(application.post(WEIGHT.path(child.id), items))
    assert (2, [409, 400]) == (len(success), [entry["code"] for entry in error])
    listed = BODY_FAT.listed(application, child.id, "sort=timestamp")
    assert [(NOON, 20.1), (LATER, 21)] == [(item["timestamp"], item["value"]) for item in listed]
    assert kept["id"] == listed[0]["id"]
