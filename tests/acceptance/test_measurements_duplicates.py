"""Exactly one of any number of equal commands is accepted, one after another or all at once."""

import random
from functools import partial

import httpx
import pytest

from tests.acceptance import refusals
from tests.acceptance.client import (
    BODY_FAT,
    WEIGHT,
    Api,
    Body,
    Kind,
    User,
    at_once,
    each_kind,
    refused,
    statuses,
    without_id,
)
from tests.acceptance.people import People

TOGETHER = 64

SAME_INSTANT = [
    "2019-06-20T12:00:00Z",
    "2019-06-20T12:00:00",
    "2019-06-20T12:00:00.0Z",
    "2019-06-20T12:00:00.0009Z",
    "2019-06-20T13:00:00+01:00",
    "2019-06-20T08:30:00-03:30",
    "2019-06-21T11:59:00+23:59",
]
OTHER_INSTANT = [
    "2019-06-20T12:00:00.001Z",
    "2019-06-20T11:59:59.999Z",
    "2019-06-20T12:00:00+01:00",
    "2019-06-20T12:00:00-00:01",
    "2020-06-20T12:00:00Z",
]


def refused_among(responses: list[httpx.Response]) -> list[Body]:
    return [refused(response) for response in responses if response.status_code != 201]


@each_kind
@pytest.mark.parametrize("timestamp", SAME_INSTANT)
def test_the_same_instant_is_a_duplicate(kind: Kind, timestamp: str, application: Api, child: User) -> None:
    recorded = kind.record(application, child.id)
    response = application.post(kind.path(child.id), kind.reading(timestamp=timestamp, value=99))
    assert refusals.already_registered(kind.name) == refused(response)
    assert [recorded] == kind.listed(application, child.id)


@each_kind
@pytest.mark.parametrize("timestamp", OTHER_INSTANT)
def test_a_measurement_at_another_instant_is_not_a_duplicate(
    kind: Kind, timestamp: str, application: Api, child: User
) -> None:
    recorded = kind.record(application, child.id)
    other = kind.record(application, child.id, timestamp=timestamp)
    assert [other, recorded] == kind.listed(application, child.id)


def test_a_measurement_with_another_unit_or_body_fat_is_still_a_duplicate(application: Api, child: User) -> None:
    WEIGHT.record(application, child.id)
    for change in ({"unit": "lb"}, {"body_fat": 20}, {"value": 1, "colour": "red"}):
        response = application.post(WEIGHT.path(child.id), WEIGHT.reading(**change))
        assert refusals.already_registered("Weight") == refused(response)


@each_kind
def test_the_same_instant_of_another_child_is_no_duplicate(kind: Kind, people: People, application: Api) -> None:
    children = [people.child() for _ in range(3)]
    answers = [kind.record(application, child.id) for child in children]
    assert [kind.answer(child.id) for child in children] == [without_id(answer) for answer in answers]


def test_the_same_instant_of_the_other_kind_is_no_duplicate(application: Api, child: User) -> None:
    WEIGHT.record(application, child.id)
    BODY_FAT.record(application, child.id)
    assert refusals.already_registered("Weight") == refused(application.post(WEIGHT.path(child.id), WEIGHT.reading()))
    assert refusals.already_registered("Body Fat") == refused(
        application.post(BODY_FAT.path(child.id), BODY_FAT.reading())
    )


@each_kind
def test_the_same_instant_by_another_user_is_a_duplicate(kind: Kind, people: People, child: User) -> None:
    kind.record(people.as_(child), child.id)
    family = people.as_(people.family_of(child))
    assert refusals.already_registered(kind.name) == refused(family.post(kind.path(child.id), kind.reading()))


@each_kind
def test_exactly_one_of_64_equal_commands_at_once_is_accepted(kind: Kind, application: Api, child: User) -> None:
    post = partial(application.post, kind.path(child.id), kind.reading())
    responses = at_once([post] * TOGETHER)
    assert {201: 1, 409: TOGETHER - 1} == statuses(responses)
    assert [refusals.already_registered(kind.name)] * (TOGETHER - 1) == refused_among(responses)
    assert [response.json() for response in responses if response.status_code == 201] == kind.listed(
        application, child.id
    )


@each_kind
def test_exactly_one_of_64_commands_with_their_own_values_is_accepted_and_stored(
    kind: Kind, application: Api, child: User
) -> None:
    posts = [partial(application.post, kind.path(child.id), kind.reading(value=n)) for n in range(TOGETHER)]
    responses = at_once(posts)
    assert {201: 1, 409: TOGETHER - 1} == statuses(responses)
    accepted = [response.json() for response in responses if response.status_code == 201]
    assert accepted == kind.listed(application, child.id)


@each_kind
def test_64_different_commands_at_once_are_all_accepted(kind: Kind, application: Api, child: User) -> None:
    readings = [kind.reading(timestamp=f"2019-06-20T12:{n:02}:00Z") for n in range(60)]
    responses = at_once([partial(application.post, kind.path(child.id), reading) for reading in readings])
    assert {201: 60} == statuses(responses)
    answers = sorted((response.json() for response in responses), key=lambda item: item["timestamp"])
    assert answers == kind.listed(application, child.id, "sort=timestamp")


@each_kind
def test_every_item_of_equal_concurrent_arrays_is_accepted_exactly_once(
    kind: Kind, application: Api, child: User
) -> None:
    items = [kind.reading(timestamp=f"2019-06-20T12:00:{n:02}Z") for n in range(20)]
    shuffle = random.Random(64)
    arrays = [shuffle.sample(items, len(items)) for _ in range(16)]
    responses = at_once([partial(application.post, kind.path(child.id), array) for array in arrays])
    assert {207: 16} == statuses(responses)
    bodies = [response.json() for response in responses]
    accepted = [entry["item"] for body in bodies for entry in body["success"]]
    assert sorted(accepted, key=lambda item: item["timestamp"]) == kind.listed(application, child.id, "sort=timestamp")
    assert 20 == len(accepted)
    assert [409] * 15 * 20 == [entry["code"] for body in bodies for entry in body["error"]]


@each_kind
def test_exactly_one_of_equal_objects_and_arrays_at_once_is_accepted(kind: Kind, application: Api, child: User) -> None:
    objects = [partial(application.post, kind.path(child.id), kind.reading())] * 32
    arrays = [partial(application.post, kind.path(child.id), [kind.reading()] * 2)] * 32
    bodies = [response.json() for response in at_once(objects + arrays)]
    accepted = [body for body in bodies if "id" in body]
    accepted += [entry["item"] for body in bodies for entry in body.get("success", [])]
    assert accepted == kind.listed(application, child.id)
    assert 1 == len(accepted)


def test_a_weight_with_body_fat_and_body_fats_at_once_leave_one_body_fat(application: Api, child: User) -> None:
    weight = WEIGHT.reading(body_fat=20.1)
    weights = [partial(application.post, WEIGHT.path(child.id), weight)] * 8
    fats = [partial(application.post, BODY_FAT.path(child.id), BODY_FAT.reading(value=n)) for n in range(24)]
    responses = at_once(weights + fats)
    assert {201: 1, 409: 7} == statuses(responses[:8])
    assert sum(response.status_code == 201 for response in responses[8:]) <= 1
    assert {201, 409} >= statuses(responses[8:]).keys()
    assert [BODY_FAT.answer(child.id, value=20.1)] == [
        without_id(item) for item in BODY_FAT.listed(application, child.id)
    ]
    assert [WEIGHT.answer(child.id, body_fat=20.1)] == [
        without_id(item) for item in WEIGHT.listed(application, child.id)
    ]


@each_kind
def test_removing_at_once_is_answered_alike_and_frees_the_key_once(kind: Kind, application: Api, child: User) -> None:
    recorded = kind.record(application, child.id)
    remove = partial(application.delete, kind.path(child.id, recorded["id"]))
    assert {204: 16} == statuses(at_once([remove] * 16))
    post = partial(application.post, kind.path(child.id), kind.reading())
    assert {201: 1, 409: 15} == statuses(at_once([post] * 16))
