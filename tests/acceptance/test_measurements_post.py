"""POST of one measurement: what is accepted, how it comes back, what is refused, in which order."""

from itertools import combinations
from typing import Any

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
    created,
    each_kind,
    refused,
)
from tests.acceptance.people import EDUCATOR, People

TIMESTAMPS = [
    ("2019-06-20T14:40:00", "2019-06-20T14:40:00.000Z"),
    ("2019-06-20T14:40:00Z", "2019-06-20T14:40:00.000Z"),
    ("2019-06-20T14:40:00.1Z", "2019-06-20T14:40:00.100Z"),
    ("2019-06-20T14:40:00.12", "2019-06-20T14:40:00.120Z"),
    ("2019-06-20T14:40:00.123Z", "2019-06-20T14:40:00.123Z"),
    ("2019-06-20T14:40:00.123456789123Z", "2019-06-20T14:40:00.123Z"),
    ("2019-06-20T23:59:59.9999Z", "2019-06-20T23:59:59.999Z"),
    ("2019-06-20T14:40:00+00:00", "2019-06-20T14:40:00.000Z"),
    ("2019-06-20T14:40:00-00:00", "2019-06-20T14:40:00.000Z"),
    ("2019-06-20T14:40:00+01:00", "2019-06-20T13:40:00.000Z"),
    ("2019-06-20T14:40:00.5-03:30", "2019-06-20T18:10:00.500Z"),
    ("2019-06-20T00:00:00+23:59", "2019-06-19T00:01:00.000Z"),
    ("2019-12-31T23:59:59-23:59", "2020-01-01T23:58:59.000Z"),
    ("2020-02-29T00:00:00Z", "2020-02-29T00:00:00.000Z"),
    ("1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"),
    ("1678-01-01T00:00:00Z", "1678-01-01T00:00:00.000Z"),
    ("1678-01-01T00:00:00+23:59", "1677-12-31T00:01:00.000Z"),
    ("2261-12-31T23:59:59.999Z", "2261-12-31T23:59:59.999Z"),
    ("2261-12-31T23:59:59-23:59", "2262-01-01T23:58:59.000Z"),
]

VALUES = [
    (0, 0),
    (-0.0, 0),
    (70, 70),
    (70.2, 70.2),
    (0.1, 0.1),
    (5e-324, 5e-324),
    (1.7976931348623157e308, 1.7976931348623157e308),
    (9007199254740993, 9007199254740992.0),
    ("70.2", 70.2),
    ("70", 70),
    ("0", 0),
    ("007.50", 7.5),
]

EMPTY_REQUESTS = [
    (kind, missing)
    for kind in KINDS
    for size in range(1, len(kind.required) + 1)
    for missing in combinations(kind.required, size)
]

ORDER: list[tuple[str, Body, Body]] = [
    (
        "timestamp before value and unit",
        {"timestamp": "x", "value": -1, "unit": ""},
        refusals.bad_timestamp("x"),
    ),
    ("timestamp before missing", {"timestamp": "x"}, refusals.bad_timestamp("x")),
    (
        "value before unit",
        {"timestamp": "2019-06-20T12:00:00Z", "value": -1, "unit": ""},
        refusals.negative("value"),
    ),
    ("value before missing", {"value": "x"}, refusals.no_number("value")),
    ("unit before missing", {"unit": ""}, refusals.UNIT_EMPTY),
    ("missing before body_fat", {"body_fat": -1}, refusals.required("timestamp", "value", "unit")),
    ("body_fat before duplicate", WEIGHT.reading(body_fat=-1), refusals.negative("body_fat")),
    ("unit before duplicate", WEIGHT.reading(unit=5), refusals.UNIT_NO_TEXT),
]


@each_kind
@pytest.mark.parametrize(("sent", "stored"), TIMESTAMPS, ids=[sent for sent, _ in TIMESTAMPS])
def test_a_timestamp_comes_back_in_utc_with_milliseconds(
    kind: Kind, sent: str, stored: str, application: Api, child: User
) -> None:
    response = application.post(kind.path(child.id), kind.reading(timestamp=sent))
    assert kind.answer(child.id, timestamp=stored) == created(response)


@each_kind
@pytest.mark.parametrize(("sent", "stored"), VALUES, ids=[repr(sent) for sent, _ in VALUES])
def test_a_value_comes_back_as_the_double_that_was_sent(
    kind: Kind, sent: Any, stored: float, application: Api, child: User
) -> None:
    response = application.post(kind.path(child.id), kind.reading(value=sent))
    assert kind.answer(child.id, value=stored) == created(response)
    assert [stored] == [float(item["value"]) for item in kind.listed(application, child.id)]


@pytest.mark.parametrize(("sent", "stored"), VALUES, ids=[repr(sent) for sent, _ in VALUES])
def test_a_body_fat_with_a_weight_comes_back_as_the_double_that_was_sent(
    sent: Any, stored: float, application: Api, child: User
) -> None:
    response = application.post(WEIGHT.path(child.id), WEIGHT.reading(body_fat=sent))
    assert WEIGHT.answer(child.id, body_fat=stored) == created(response)


@pytest.mark.parametrize(
    "unit", ["k", " ", "kg", "фунт", "\U0001f600", "k*", "'; --", "a\nb", "x" * 64, "\U0001f600" * 64]
)
def test_any_text_of_at_least_one_character_is_a_unit(unit: str, application: Api, child: User) -> None:
    response = application.post(WEIGHT.path(child.id), WEIGHT.reading(unit=unit))
    assert WEIGHT.answer(child.id, unit=unit) == created(response)


@pytest.mark.parametrize("unit", [None, "", "kg", 5, True, [], {}, "\x00", "\ud800"], ids=repr)
def test_the_unit_of_a_body_fat_is_percent_whatever_is_sent(unit: Any, application: Api, child: User) -> None:
    response = application.post(BODY_FAT.path(child.id), BODY_FAT.reading(unit=unit))
    assert BODY_FAT.answer(child.id) == created(response)


@each_kind
@pytest.mark.parametrize("sent", [UNKNOWN_ID, None, 5, "", {"$gt": ""}, "\x00"], ids=repr)
def test_id_type_child_id_and_unknown_members_in_a_body_are_ignored(
    kind: Kind, sent: Any, application: Api, child: User
) -> None:
    ignored = dict.fromkeys(("id", "type", "child_id", "colour", "created_at"), sent)
    response = application.post(kind.path(child.id), kind.reading() | ignored)
    assert UNKNOWN_ID != response.json().get("id")
    assert kind.answer(child.id) == created(response)


@pytest.mark.parametrize("sent", [20.1, "x", -1, None, True], ids=repr)
def test_a_body_fat_ignores_the_member_body_fat(sent: Any, application: Api, child: User) -> None:
    response = application.post(BODY_FAT.path(child.id), BODY_FAT.reading(body_fat=sent))
    assert BODY_FAT.answer(child.id) == created(response)


@each_kind
def test_ids_grow_with_time(kind: Kind, application: Api, child: User) -> None:
    ids = [kind.record(application, child.id, timestamp=f"2019-06-{day}T00:00:00Z")["id"] for day in (30, 20, 10)]
    assert sorted(ids) == ids


@each_kind
def test_a_child_id_in_upper_case_is_the_same_child(kind: Kind, application: Api, child: User) -> None:
    response = application.post(kind.path(child.id.upper()), kind.reading())
    assert kind.answer(child.id) == created(response)
    assert [kind.answer(child.id)] == [
        {member: value for member, value in item.items() if member != "id"}
        for item in kind.listed(application, child.id)
    ]


@pytest.mark.parametrize(
    ("kind", "missing"),
    EMPTY_REQUESTS,
    ids=[f"{kind.collection} without {' '.join(missing)}" for kind, missing in EMPTY_REQUESTS],
)
def test_missing_members_are_named_in_order(
    kind: Kind, missing: tuple[str, ...], application: Api, child: User
) -> None:
    body = {member: value for member, value in kind.reading().items() if member not in missing}
    assert refusals.required(*missing) == refused(application.post(kind.path(child.id), body))
    assert [] == kind.listed(application, child.id)


@pytest.mark.parametrize(("body", "expected"), [row[1:] for row in ORDER], ids=[row[0] for row in ORDER])
def test_the_first_bad_field_is_the_one_that_is_refused(
    body: Body, expected: Body, application: Api, child: User
) -> None:
    recorded = WEIGHT.record(application, child.id)
    assert expected == refused(application.post(WEIGHT.path(child.id), body))
    assert [recorded] == WEIGHT.listed(application, child.id)


@each_kind
def test_authentication_is_checked_first(kind: Kind, anyone: Api) -> None:
    assert refusals.NO_TOKEN == refused(anyone.post_raw(kind.path("x"), "{"))


@each_kind
def test_the_scope_is_checked_before_path_and_body(kind: Kind, admin: Api) -> None:
    assert refusals.FORBIDDEN == refused(admin.post_raw(kind.path("x"), "{"))


@each_kind
def test_the_path_is_checked_before_the_body(kind: Kind, application: Api) -> None:
    assert refusals.bad_id("child_id") == refused(application.post_raw(kind.path("x"), "{"))


@each_kind
def test_the_body_is_read_before_the_user_is_looked_up(kind: Kind, people: People) -> None:
    user = people.application()
    api = people.as_(user)
    people.remove(user)
    assert refusals.UNREADABLE == refused(api.post_raw(kind.path(UNKNOWN_ID), "{"))
    assert refusals.GONE == refused(api.post(kind.path(UNKNOWN_ID), {}))


@each_kind
def test_a_child_that_asks_for_another_is_refused_before_that_one_is_looked_up(
    kind: Kind, people: People, child: User
) -> None:
    assert refusals.FORBIDDEN == refused(people.as_(child).post(kind.path(UNKNOWN_ID), {}))


@each_kind
def test_the_child_is_looked_up_before_the_relation_and_the_relation_before_the_fields(
    kind: Kind, people: People, child: User
) -> None:
    stranger, teacher = people.as_(people.create(EDUCATOR)), people.as_(people.educator_of(child))
    assert refusals.no_child(UNKNOWN_ID) == refused(stranger.post(kind.path(UNKNOWN_ID), {}))
    assert refusals.FORBIDDEN == refused(stranger.post(kind.path(child.id), {}))
    assert refusals.required(*kind.required) == refused(teacher.post(kind.path(child.id), {}))
