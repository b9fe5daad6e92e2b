"""DELETE of a measurement: always 204, removes exactly that one, frees its key."""

import pytest

from tests.acceptance import refusals
from tests.acceptance.client import (
    BODY_FAT,
    UNKNOWN_ID,
    WEIGHT,
    Api,
    Kind,
    User,
    created,
    each_kind,
    multi_status,
    refused,
)
from tests.acceptance.people import EDUCATOR, People

OTHER = {WEIGHT: BODY_FAT, BODY_FAT: WEIGHT}
BAD_IDS = [
    "x",
    "0123456789abcdef0123456",
    "0123456789abcdef012345678",
    "0123456789abcdef0123456g",
    "0123456789abcdef0123456%0A",
    "0123456789abcdef01234567%0A",
    "0123456789abcdef0123456%EF%BC%97",
    "%00123456789abcdef0123456",
    "01234567-89ab-cdef-0123-4567",
]
each_bad_id = pytest.mark.parametrize("bad", BAD_IDS)


@each_kind
def test_a_removed_measurement_is_gone_from_every_answer(kind: Kind, application: Api, child: User) -> None:
    kept = kind.record(application, child.id, timestamp="2019-06-20T12:00:01Z")
    removed = kind.record(application, child.id)
    response = application.delete(kind.path(child.id, removed["id"]))
    assert (204, b"") == (response.status_code, response.content)
    assert [kept] == kind.listed(application, child.id)
    assert "1" == application.get(kind.path(child.id)).headers["x-total-count"]
    assert [] == kind.listed(application, child.id, "timestamp=2019-06-20T12:00:00Z")
    assert refusals.not_found(kind) == refused(application.get(kind.path(child.id, removed["id"])))


@each_kind
def test_a_removed_measurement_frees_its_key(kind: Kind, application: Api, child: User) -> None:
    for value in (70, 71, 72):
        recorded = kind.record(application, child.id, value=value)
        again = application.post(kind.path(child.id), kind.reading())
        assert refusals.already_registered(kind.name) == refused(again)
        assert [recorded] == kind.listed(application, child.id)
        application.delete(kind.path(child.id, recorded["id"]))
    success, error = multi_status(application.post(kind.path(child.id), [kind.reading(value=73)]))
    assert ([{"code": 201, "item": kind.answer(child.id, value=73)}], []) == (success, error)


@each_kind
def test_a_measurement_recorded_again_has_a_new_id(kind: Kind, application: Api, child: User) -> None:
    first = kind.record(application, child.id)
    application.delete(kind.path(child.id, first["id"]))
    second = kind.record(application, child.id)
    assert first["id"] < second["id"]
    assert refusals.not_found(kind) == refused(application.get(kind.path(child.id, first["id"])))


@each_kind
def test_removing_twice_or_what_never_was_is_answered_alike(kind: Kind, application: Api, child: User) -> None:
    recorded = kind.record(application, child.id)
    answers = [application.delete(kind.path(child.id, id)) for id in (recorded["id"], recorded["id"], UNKNOWN_ID)]
    assert [(204, b"")] * 3 == [(answer.status_code, answer.content) for answer in answers]


@each_kind
def test_an_id_in_upper_case_is_removed(kind: Kind, application: Api, child: User) -> None:
    recorded = kind.record(application, child.id)
    assert 204 == application.delete(kind.path(child.id.upper(), recorded["id"].upper())).status_code
    assert [] == kind.listed(application, child.id)


@each_kind
def test_a_deletion_does_not_remove_a_measurement_of_another_child(
    kind: Kind, people: People, application: Api, child: User
) -> None:
    recorded = kind.record(application, child.id)
    assert 204 == application.delete(kind.path(people.child().id, recorded["id"])).status_code
    assert [recorded] == kind.listed(application, child.id)
    again = application.post(kind.path(child.id), kind.reading())
    assert refusals.already_registered(kind.name) == refused(again)


@each_kind
def test_a_family_removes_nothing_of_another_child_through_its_own(
    kind: Kind, people: People, application: Api, child: User
) -> None:
    own = people.child()
    recorded = kind.record(application, child.id)
    assert 204 == people.as_(people.family_of(own)).delete(kind.path(own.id, recorded["id"])).status_code
    assert [recorded] == kind.listed(application, child.id)


@each_kind
def test_a_deletion_does_not_remove_a_measurement_of_another_kind(kind: Kind, application: Api, child: User) -> None:
    recorded = OTHER[kind].record(application, child.id)
    assert 204 == application.delete(kind.path(child.id, recorded["id"])).status_code
    assert [recorded] == OTHER[kind].listed(application, child.id)


@each_kind
def test_the_key_of_a_removed_measurement_is_taken_by_one_of_equal_items(
    kind: Kind, application: Api, child: User
) -> None:
    application.delete(kind.path(child.id, kind.record(application, child.id)["id"]))
    success, error = multi_status(application.post(kind.path(child.id), [kind.reading()] * 3))
    assert ([201], [409, 409]) == ([entry["code"] for entry in success], [entry["code"] for entry in error])


@each_kind
def test_removing_for_an_unknown_child_is_refused(kind: Kind, application: Api) -> None:
    assert refusals.no_child(UNKNOWN_ID) == refused(application.delete(kind.path(UNKNOWN_ID, UNKNOWN_ID)))


@each_kind
@pytest.mark.parametrize("method", ["GET", "DELETE"])
@each_bad_id
def test_a_malformed_id_of_a_measurement_is_refused(
    kind: Kind, method: str, bad: str, application: Api, child: User
) -> None:
    assert refusals.bad_id(kind.id_name) == refused(application.request(method, kind.path(child.id, bad)))


@each_kind
@pytest.mark.parametrize("method", ["GET", "DELETE"])
@each_bad_id
def test_a_malformed_id_of_a_child_is_refused(kind: Kind, method: str, bad: str, application: Api) -> None:
    assert refusals.bad_id("child_id") == refused(application.request(method, kind.path(bad, UNKNOWN_ID)))


@each_kind
@each_bad_id
def test_a_malformed_id_of_a_child_is_refused_for_the_collection(kind: Kind, bad: str, application: Api) -> None:
    assert refusals.bad_id("child_id") == refused(application.get(kind.path(bad)))
    assert refusals.bad_id("child_id") == refused(application.post(kind.path(bad), kind.reading()))


@each_kind
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_the_id_of_the_measurement_is_checked_before_the_child_is_looked_up(
    kind: Kind, method: str, people: People, application: Api, child: User
) -> None:
    stranger = people.as_(people.create(EDUCATOR))
    assert refusals.bad_id(kind.id_name) == refused(application.request(method, kind.path(UNKNOWN_ID, "x")))
    assert refusals.bad_id(kind.id_name) == refused(stranger.request(method, kind.path(child.id, "x")))


@each_kind
def test_a_forbidden_deletion_removes_nothing(kind: Kind, people: People, application: Api, child: User) -> None:
    recorded = kind.record(application, child.id)
    strangers = [people.admin, people.as_(people.create(EDUCATOR)), people.as_(child)]
    for stranger in strangers:
        assert refusals.FORBIDDEN == refused(stranger.delete(kind.path(child.id, recorded["id"])))
    assert [recorded] == kind.listed(application, child.id)
    created(application.post(kind.path(child.id), kind.reading(timestamp="2019-06-20T12:00:01Z")))
