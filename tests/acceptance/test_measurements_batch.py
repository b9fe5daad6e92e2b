"""POST of an array: 207 with every item answered once, or one refusal for the whole array."""

import random
import struct
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Any

import pytest

from tests.acceptance import refusals
from tests.acceptance.client import (
    NOON,
    UNKNOWN_ID,
    WEIGHT,
    Api,
    Body,
    Kind,
    User,
    each_kind,
    multi_status,
    refused,
    stamp,
)
from tests.acceptance.people import EDUCATOR, People

MAX_ITEMS = 10_000

NO_OBJECTS: list[Any] = [None, 0, 70.2, -1, True, "", "text", [], [[]], [{"value": 1}], {}]

BAD_ITEMS: list[tuple[Body, Body]] = [
    (WEIGHT.reading(timestamp=None), refusals.bad_timestamp("null")),
    (WEIGHT.reading(timestamp="2019-02-29T00:00:00Z"), refusals.bad_timestamp("2019-02-29T00:00:00Z")),
    (WEIGHT.reading(value=-1), refusals.negative("value")),
    (WEIGHT.reading(value="70.2kg"), refusals.no_number("value")),
    (WEIGHT.reading(unit=""), refusals.UNIT_EMPTY),
    (WEIGHT.reading(unit={"a": [1, None]}), refusals.UNIT_NO_TEXT),
    (WEIGHT.reading(unit="k\x00\ud800"), refusals.UNIT_BAD_TEXT),
    (WEIGHT.reading(body_fat=None), refusals.no_number("body_fat")),
    ({"value": 1, "id": "x", "colour": [1.0, 10**30, "\x00"]}, refusals.required("timestamp", "unit")),
]


def at(minute: int) -> str:
    return stamp(datetime(2019, 6, 1, tzinfo=UTC) + timedelta(minutes=minute))


def accepted(item: Body) -> Body:
    return {"code": 201, "item": item}


def items_of(entries: list[Body]) -> list[Any]:
    return [entry["item"] for entry in entries]


@each_kind
def test_an_empty_array_is_answered_with_two_empty_arrays(kind: Kind, application: Api, child: User) -> None:
    response = application.post(kind.path(child.id), [])
    assert (207, {"success": [], "error": []}) == (response.status_code, response.json())


@each_kind
def test_accepted_items_are_answered_in_order_and_listed(kind: Kind, application: Api, child: User) -> None:
    minutes = [3, 1, 2]
    response = application.post(kind.path(child.id), [kind.reading(timestamp=at(minute)) for minute in minutes])
    expected = [accepted(kind.answer(child.id, timestamp=at(minute))) for minute in minutes]
    assert (expected, []) == multi_status(response)
    by_time = kind.listed(application, child.id, "sort=timestamp")
    assert sorted(items_of(response.json()["success"]), key=lambda item: item["timestamp"]) == by_time
    ids = [item["id"] for item in items_of(response.json()["success"])]
    assert sorted(ids) == ids


@each_kind
def test_the_first_of_equal_measurements_in_an_array_is_accepted(kind: Kind, application: Api, child: User) -> None:
    items = [kind.reading(value=70), kind.reading(value=71, timestamp="2019-06-20T13:00:00+01:00")]
    success, error = multi_status(application.post(kind.path(child.id), [*items, items[0]]))
    duplicate = refusals.already_registered(kind.name)
    assert [accepted(kind.answer(child.id, value=70))] == success
    assert [
        duplicate | {"item": kind.answer(child.id, value=71)},
        duplicate | {"item": kind.answer(child.id, value=70)},
    ] == error
    assert [70] == [item["value"] for item in kind.listed(application, child.id)]


@each_kind
def test_an_array_sent_again_is_refused_item_by_item(kind: Kind, application: Api, child: User) -> None:
    items = [kind.reading(timestamp=at(minute)) for minute in range(3)]
    application.post(kind.path(child.id), items)
    success, error = multi_status(application.post(kind.path(child.id), items))
    assert [] == success
    assert [
        refusals.already_registered(kind.name) | {"item": kind.answer(child.id, timestamp=at(minute))}
        for minute in range(3)
    ] == error


def test_the_item_of_a_duplicate_is_what_would_have_been_stored(application: Api, child: User) -> None:
    recorded = WEIGHT.record(application, child.id)
    again = WEIGHT.reading(timestamp="2019-06-20T13:00:00+01:00", value="71.5", body_fat="0", unit="lb", id="x")
    success, error = multi_status(application.post(WEIGHT.path(child.id), [again]))
    stored = WEIGHT.answer(child.id, timestamp=NOON, value=71.5, body_fat=0, unit="lb")
    assert ([], [refusals.already_registered("Weight") | {"item": stored}]) == (success, error)
    assert [recorded] == WEIGHT.listed(application, child.id)


@pytest.mark.parametrize(("sent", "expected"), BAD_ITEMS, ids=[row[1]["description"] for row in BAD_ITEMS])
def test_the_item_of_a_400_is_what_was_sent(sent: Body, expected: Body, application: Api, child: User) -> None:
    assert ([], [expected | {"item": sent}]) == multi_status(application.post(WEIGHT.path(child.id), [sent]))


@each_kind
@pytest.mark.parametrize("element", NO_OBJECTS, ids=repr)
def test_an_element_that_is_no_object_lacks_every_member(
    kind: Kind, element: Any, application: Api, child: User
) -> None:
    response = application.post(kind.path(child.id), [element, kind.reading()])
    expected = [refusals.required(*kind.required) | {"item": element}]
    assert ([accepted(kind.answer(child.id))], expected) == multi_status(response)


def test_a_refused_item_undoes_no_other_and_both_arrays_keep_the_order(application: Api, child: User) -> None:
    WEIGHT.record(application, child.id, timestamp=at(0))
    items = [
        WEIGHT.reading(timestamp=at(5)),
        WEIGHT.reading(timestamp=at(0)),
        None,
        WEIGHT.reading(timestamp=at(4), body_fat=20.1),
        WEIGHT.reading(timestamp=at(3), value=-1),
        WEIGHT.reading(timestamp=at(5)),
        WEIGHT.reading(timestamp=at(3)),
    ]
    success, error = multi_status(application.post(WEIGHT.path(child.id), items))
    assert [
        accepted(WEIGHT.answer(child.id, timestamp=at(5))),
        accepted(WEIGHT.answer(child.id, timestamp=at(4), body_fat=20.1)),
        accepted(WEIGHT.answer(child.id, timestamp=at(3))),
    ] == success
    assert [
        refusals.already_registered("Weight") | {"item": WEIGHT.answer(child.id, timestamp=at(0))},
        refusals.required("timestamp", "value", "unit") | {"item": None},
        refusals.negative("value") | {"item": items[4]},
        refusals.already_registered("Weight") | {"item": WEIGHT.answer(child.id, timestamp=at(5))},
    ] == error
    listed = WEIGHT.listed(application, child.id, "sort=timestamp")
    assert [at(minute) for minute in (0, 3, 4, 5)] == [item["timestamp"] for item in listed]


@each_kind
def test_every_double_round_trips(kind: Kind, application: Api, child: User) -> None:
    bits = random.Random(1678)
    drawn = (struct.unpack("<d", struct.pack("<Q", bits.getrandbits(63)))[0] for _ in range(1000))
    values = [value for value in drawn if isfinite(value)]
    items = [kind.reading(timestamp=at(minute), value=value) for minute, value in enumerate(values)]
    success, error = multi_status(application.post(kind.path(child.id), items))
    assert (values, []) == ([item["value"] for item in items_of(success)], error)
    listed = kind.listed(application, child.id, "sort=timestamp&limit=1000")
    assert values == [item["value"] for item in listed]


@each_kind
def test_as_many_items_as_the_limit_allows_are_accepted(kind: Kind, application: Api, child: User) -> None:
    items = [kind.reading(timestamp=at(minute), value=minute) for minute in range(MAX_ITEMS)]
    success, error = multi_status(application.post(kind.path(child.id), items))
    assert (list(range(MAX_ITEMS)), []) == ([item["value"] for item in items_of(success)], error)
    assert str(MAX_ITEMS) == application.get(kind.path(child.id)).headers["x-total-count"]


@each_kind
def test_an_array_of_measurements_over_the_limit_is_rejected_as_a_whole(
    kind: Kind, application: Api, child: User
) -> None:
    items = [kind.reading(timestamp=at(minute)) for minute in range(MAX_ITEMS + 1)]
    body = refused(application.post(kind.path(child.id), items))
    assert {"code": 413, "message": "Payload too large!", "description": body["description"]} == body
    assert body["description"]
    assert [] == kind.listed(application, child.id)


WHOLE: list[tuple[str, list[Any]]] = [("empty", []), ("valid", [{}]), ("no object", [None])]
each_array = pytest.mark.parametrize("extra", [row[1] for row in WHOLE], ids=[row[0] for row in WHOLE])


@each_kind
@each_array
def test_an_array_for_an_unknown_child_is_refused_whole(kind: Kind, extra: list[Any], application: Api) -> None:
    expected = refusals.no_child(UNKNOWN_ID)
    assert expected == refused(application.post(kind.path(UNKNOWN_ID), extra))


@each_kind
@each_array
def test_an_array_for_a_malformed_child_id_is_refused_whole(kind: Kind, extra: list[Any], application: Api) -> None:
    assert refusals.bad_id("child_id") == refused(application.post(kind.path("x"), extra))


@each_kind
@each_array
def test_an_array_of_who_may_not_is_refused_whole(
    kind: Kind, extra: list[Any], people: People, application: Api, child: User
) -> None:
    for stranger in (people.admin, people.as_(people.create(EDUCATOR)), people.as_(people.child())):
        assert refusals.FORBIDDEN == refused(stranger.post(kind.path(child.id), [kind.reading(), *extra]))
        assert refusals.FORBIDDEN == refused(stranger.post(kind.path(child.id), extra))
    assert [] == kind.listed(application, child.id)


@each_kind
@each_array
def test_an_array_of_a_user_who_is_gone_is_refused_whole(
    kind: Kind, extra: list[Any], people: People, child: User
) -> None:
    family = people.family_of(child)
    api = people.as_(family)
    people.remove(family)
    assert refusals.GONE == refused(api.post(kind.path(child.id), [kind.reading(), *extra]))
    assert refusals.GONE == refused(api.post(kind.path(child.id), extra))


@each_kind
def test_an_array_without_a_token_is_refused_whole(kind: Kind, anyone: Api, child: User) -> None:
    assert refusals.NO_TOKEN == refused(anyone.post(kind.path(child.id), []))
