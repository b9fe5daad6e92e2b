"""Institutions: what GET shows of them, and when they may be deleted."""

from functools import partial

import pytest

from tests.acceptance import refusals
from tests.acceptance.client import (
    UNKNOWN_ID,
    Api,
    Body,
    at_once,
    created,
    nothing,
    page_of,
    refused,
    shown,
    statuses,
    whole,
)
from tests.acceptance.hostile import BAD_IDS
from tests.acceptance.people import ACCOUNTS, CHILD, FAMILY, Account, People, unique

INSTITUTIONS = "/v1/institutions"

each_account = pytest.mark.parametrize("account", ACCOUNTS, ids=[account.sub_type for account in ACCOUNTS])

OPTIONAL: dict[str, Body] = {
    "none": {},
    "an address": {"address": "221B Baker Street"},
    "an empty address": {"address": ""},
    "a latitude alone": {"latitude": -7.2100766},
    "whole numbers": {"latitude": 41, "longitude": -8},
    "nothing but zeros": {"latitude": 0, "longitude": 0.0},
    "doubles to the last digit": {"latitude": 0.30000000000000004, "longitude": -89.99999999999999},
    "the least double": {"latitude": 5e-324, "longitude": -5e-324},
    "all, beyond ASCII": {"address": "Улица \U0001f600 \u2028 1", "latitude": 41.5, "longitude": -8.5},
}


def make(admin: Api, **members: object) -> Body:
    response = admin.post(INSTITUTIONS, {"type": "school", "name": unique("school")} | members)
    assert 201 == response.status_code, response.text
    body: Body = response.json()
    return body


def one(institution: Body | str) -> str:
    return f"{INSTITUTIONS}/{institution if isinstance(institution, str) else institution['id']}"


def listed(admin: Api) -> list[Body]:
    return whole(admin, INSTITUTIONS)


@pytest.mark.parametrize("optional", OPTIONAL.values(), ids=OPTIONAL.keys())
def test_an_institution_is_shown_as_it_was_sent_one_by_one_and_in_the_list(optional: Body, admin: Api) -> None:
    sent = {"type": "school", "name": unique("school")} | optional
    answer = admin.post(INSTITUTIONS, sent)
    assert sent == created(answer)
    institution = answer.json()
    assert institution == shown(admin.get(one(institution)))
    assert institution == listed(admin)[0]


@pytest.mark.parametrize(
    ("member", "said"),
    [
        ("address", "must be a string!"),
        ("latitude", "must be a valid number!"),
        ("longitude", "must be a valid number!"),
    ],
)
def test_an_optional_member_that_is_null_is_a_bad_value_of_it(member: str, said: str, admin: Api) -> None:
    body = {"type": "school", "name": unique("school"), member: None}
    assert refusals.fields(f"{member} {said}") == refused(admin.post(INSTITUTIONS, body))


def test_an_institution_is_found_by_its_id_in_either_case(admin: Api) -> None:
    institution = make(admin)
    assert institution == shown(admin.get(one(institution["id"].upper())))


def test_the_list_begins_with_the_latest_and_counts_all(admin: Api) -> None:
    _, before = page_of(admin.get(INSTITUTIONS))
    made = [make(admin) for _ in range(3)]
    institutions, after = page_of(admin.get(f"{INSTITUTIONS}?limit=3"))
    assert (made[::-1], before + 3) == (institutions, after)


def test_an_institution_that_never_was_is_not_found(admin: Api) -> None:
    assert refusals.not_there("Institution") == refused(admin.get(one(UNKNOWN_ID)))


def test_a_user_is_no_institution(admin: Api, people: People) -> None:
    child = people.child()
    assert refusals.not_there("Institution") == refused(admin.get(one(child.id)))
    assert nothing(admin.delete(one(child.id)))
    assert child.body == shown(admin.get(f"{CHILD.path}/{child.id}"))


@pytest.mark.parametrize("bad", BAD_IDS.values(), ids=BAD_IDS.keys())
def test_an_id_that_is_none_is_refused(bad: str, admin: Api) -> None:
    assert refusals.bad_id("institution_id") == refused(admin.get(one(bad)))
    assert refusals.bad_id("institution_id") == refused(admin.delete(one(bad)))


@pytest.mark.parametrize("upper", [False, True], ids=["lower", "upper"])
def test_a_deleted_institution_is_gone(upper: bool, admin: Api) -> None:
    institution, neighbour = make(admin), make(admin)
    assert nothing(admin.delete(one(institution["id"].upper() if upper else institution)))
    assert refusals.not_there("Institution") == refused(admin.get(one(institution)))
    institutions = listed(admin)
    assert institution not in institutions
    assert neighbour in institutions


def test_deleting_twice_or_what_never_was_is_answered_alike(admin: Api) -> None:
    institution = make(admin)
    assert all(nothing(admin.delete(one(id))) for id in (institution["id"], institution["id"], UNKNOWN_ID))


def test_deleting_an_institution_frees_its_name(admin: Api) -> None:
    institution = make(admin)
    assert nothing(admin.delete(one(institution)))
    again = make(admin, name=institution["name"])
    assert institution["id"] != again["id"]
    assert again == shown(admin.get(one(again)))
    duplicate = admin.post(INSTITUTIONS, {"type": "school", "name": institution["name"]})
    assert refusals.already_registered("Institution") == refused(duplicate)


@each_account
def test_a_user_cannot_be_registered_with_a_deleted_institution(account: Account, admin: Api, people: People) -> None:
    institution = make(admin)
    assert nothing(admin.delete(one(institution)))
    body = people.request(account, institution_id=institution["id"])
    body |= {"children": [people.child().id]} if account is FAMILY else {}
    assert refusals.NO_INSTITUTION == refused(admin.post(account.path, body))


@each_account
def test_an_institution_with_a_user_stays_until_the_last_is_removed(
    account: Account, admin: Api, people: People
) -> None:
    institution = make(admin)
    of_account = {"children": [people.child().id]} if account is FAMILY else {}
    users = [people.create(account, institution_id=institution["id"], **of_account) for _ in range(2)]
    for user in users:
        assert refusals.INSTITUTION_IN_USE == refused(admin.delete(one(institution)))
        assert institution == shown(admin.get(one(institution)))
        people.remove(user)
    assert nothing(admin.delete(one(institution)))
    assert refusals.not_there("Institution") == refused(admin.get(one(institution)))


def test_an_institution_that_could_not_be_deleted_keeps_its_name(admin: Api, people: People) -> None:
    institution = make(admin)
    people.create(CHILD, institution_id=institution["id"])
    assert refusals.INSTITUTION_IN_USE == refused(admin.delete(one(institution)))
    duplicate = admin.post(INSTITUTIONS, {"type": "clinic", "name": institution["name"]})
    assert refusals.already_registered("Institution") == refused(duplicate)


def test_the_id_of_an_institution_in_a_body_may_be_in_upper_case(admin: Api, people: People) -> None:
    institution = make(admin)
    child = people.create(CHILD, institution_id=institution["id"].upper())
    assert institution["id"] == child.body["institution_id"]
    assert refusals.INSTITUTION_IN_USE == refused(admin.delete(one(institution)))


def test_many_deletions_at_once_are_all_answered_with_204(admin: Api) -> None:
    institution = make(admin)
    assert {204: 16} == statuses(at_once([partial(admin.delete, one(institution))] * 16))
    assert refusals.not_there("Institution") == refused(admin.get(one(institution)))


@pytest.mark.parametrize("_", range(8))
def test_no_user_is_left_without_its_institution_whoever_comes_first(_: int, admin: Api, people: People) -> None:
    institution = make(admin)
    body = people.request(CHILD, institution_id=institution["id"])
    deleted, registered = at_once(
        [partial(admin.delete, one(institution)), partial(admin.post, CHILD.path, body)],
    )
    if registered.status_code == 201:
        assert refusals.INSTITUTION_IN_USE == refused(deleted)
        assert institution == shown(admin.get(one(institution)))
    else:
        assert refusals.NO_INSTITUTION == refused(registered)
        assert nothing(deleted)
        assert refusals.not_there("Institution") == refused(admin.get(one(institution)))


def test_at_most_one_registration_of_a_name_succeeds_while_its_institution_is_deleted(admin: Api) -> None:
    institution = make(admin)
    body = {"type": "school", "name": institution["name"]}
    first, *others = at_once([partial(admin.delete, one(institution)), *[partial(admin.post, INSTITUTIONS, body)] * 8])
    assert nothing(first)
    assert {201, 409} >= statuses(others).keys()
    assert [answer.json() for answer in others if answer.status_code == 201] == [
        institution for institution in listed(admin) if institution["name"] == body["name"]
    ]
    assert statuses(others).get(201, 0) <= 1
