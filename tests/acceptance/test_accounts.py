"""Accounts that are accepted: logins, institutions, users, groups, removal."""

from functools import partial
from typing import Any

import pytest

from tests.acceptance import refusals
from tests.acceptance.client import UNKNOWN_ID, Api, Body, Service, User, at_once, created, refused, statuses
from tests.acceptance.people import (
    ACCOUNTS,
    CHILD,
    EDUCATOR,
    FAMILY,
    HEALTH_PROFESSIONAL,
    PASSWORD,
    Account,
    People,
    unique,
)

TOGETHER = 64

each_account = pytest.mark.parametrize("account", ACCOUNTS, ids=[account.sub_type for account in ACCOUNTS])
each_owner = pytest.mark.parametrize("account", [EDUCATOR, HEALTH_PROFESSIONAL], ids=["educator", "health"])


def groups(account: Account, owner: User | str) -> str:
    return f"{account.path}/{owner if isinstance(owner, str) else owner.id}/children/groups"


def ids_of(children: list[Any]) -> list[str]:
    """The contract does not say whether children go out as ids or as objects with an id."""
    return [child if isinstance(child, str) else child["id"] for child in children]


def answer(account: Account, sent: Body) -> Body:
    """What is answered to a POST of an account, without its id and without a family's children."""
    own: dict[str, Body] = {
        "child": {"gender": sent.get("gender"), "age": str(sent.get("age")), "age_calc_date": "2019-06-20"},
        "educator": {"children_groups": []},
        "healthprofessional": {"children_groups": []},
        "application": {"application_name": sent.get("application_name")},
        "family": {},
    }
    return {"username": sent["username"], "institution_id": sent["institution_id"]} | own[account.sub_type]


def test_a_login_is_answered_with_a_token_and_nothing_else(anyone: Api, service: Service) -> None:
    body = {"username": service.admin_username, "password": service.admin_password}
    response = anyone.post("/v1/auth", body)
    assert (200, {"access_token"}) == (response.status_code, response.json().keys())


@each_account
def test_every_user_can_log_in(account: Account, people: People) -> None:
    assert people.as_(people.someone(account)).token


@pytest.mark.parametrize(
    "optional",
    [
        {},
        {"address": "221B Baker Street"},
        {"latitude": -7.2100766, "longitude": 0},
        {"address": "Улица 1", "latitude": 41, "longitude": -8.5},
    ],
    ids=["none", "address", "place", "all"],
)
def test_an_institution_comes_back_with_what_was_sent(optional: Body, admin: Api) -> None:
    body = {"type": "school", "name": unique("school")} | optional
    assert body == created(admin.post("/v1/institutions", body | {"id": UNKNOWN_ID, "colour": "red"}))


@each_account
def test_a_user_comes_back_without_its_password(account: Account, people: People, child: User) -> None:
    body = people.request(account) | ({"children": [child.id]} if account is FAMILY else {})
    body |= {"age_calc_date": "2019-06-20"} if account is CHILD else {}
    ignored = {"id": UNKNOWN_ID, "type": "admin", "last_login": "2019-06-20T12:00:00Z", "scope": "x"}
    answered = created(people.admin.post(account.path, body | ignored))
    children = answered.pop("children", None)
    assert answer(account, body) == answered
    assert ([child.id] if account is FAMILY else None) == (children and ids_of(children))


@pytest.mark.parametrize(("sent", "shown"), [(11, "11"), ("11", "11"), (1, "1")], ids=repr)
def test_the_age_of_a_child_goes_out_as_text(sent: object, shown: str, people: People) -> None:
    assert shown == people.create(CHILD, age=sent, gender="male", age_calc_date="2019-06-20").body["age"]


@pytest.mark.parametrize(
    "username",
    ["a b", " a", "a ", "Ünï cödé", "'; drop table users; --", "a*", "a\nb", "\U0001f600"],
    ids=ascii,
)
def test_any_text_is_a_username_that_can_log_in(username: str, people: People) -> None:
    end = unique("").strip()
    user = people.create(CHILD, username=f"{username[:-1]}{end}{username[-1]}")
    assert people.as_(user).token


def test_a_username_may_have_200_characters(people: People) -> None:
    username = unique("x").ljust(200, "é")
    assert people.as_(people.create(CHILD, username=username)).token


@pytest.mark.parametrize("change", [str.upper, str.title, lambda name: name + " ", lambda name: " " + name])
def test_usernames_are_compared_exactly(change: Any, people: People, anyone: Api) -> None:
    username = unique("a child").lower()
    people.create(CHILD, username=username, password="the first")
    login = {"username": change(username), "password": "the first"}
    assert refusals.BAD_LOGIN == refused(anyone.post("/v1/auth", login))
    people.create(EDUCATOR, username=change(username), password="the second")
    assert people.admin.login(username, "the first").token
    assert people.admin.login(change(username), "the second").token


@each_owner
@pytest.mark.parametrize("form", ["id", "object"])
@pytest.mark.parametrize("optional", [{}, {"school_class": "3B"}], ids=["no class", "class"])
def test_a_group_comes_back_with_its_children(account: Account, form: str, optional: Body, people: People) -> None:
    owner, members = people.create(account), [people.child(), people.child()]
    name = unique("group")
    children = [member.id if form == "id" else {"id": member.id, "age": "9"} for member in members]
    body = {"name": name, "children": children} | optional
    answered = created(people.as_(owner).post(groups(account, owner), body))
    assert sorted(member.id for member in members) == sorted(ids_of(answered.pop("children")))
    assert {"name": name} | optional == answered


@each_owner
def test_a_group_may_be_posted_to_an_id_in_upper_case(account: Account, people: People, child: User) -> None:
    owner = people.create(account)
    body = {"name": "group", "children": [child.id]}
    assert 201 == people.as_(owner).post(groups(account, owner.id.upper()), body).status_code


@each_owner
def test_group_names_are_unique_per_owner_only(account: Account, people: People, child: User) -> None:
    body = {"name": unique("group"), "children": [child.id]}
    first, second = people.create(account), people.create(account)
    assert 201 == people.as_(first).post(groups(account, first), body).status_code
    assert 201 == people.as_(second).post(groups(account, second), body).status_code
    again = people.as_(first).post(groups(account, first), body)
    assert refusals.already_registered("Children Group") == refused(again)


@pytest.mark.parametrize("second", ACCOUNTS, ids=[f"then {account.sub_type}" for account in ACCOUNTS])
@pytest.mark.parametrize("first", ACCOUNTS, ids=[account.sub_type for account in ACCOUNTS])
def test_a_username_is_taken_whatever_the_type(first: Account, second: Account, people: People, child: User) -> None:
    username = unique("name")
    own: Body = {"username": username, "children": [child.id]}
    people.create(first, **own)
    response = people.admin.post(second.path, people.request(second, **own))
    assert refusals.already_registered(second.name) == refused(response)


def test_the_name_of_the_admin_is_taken(people: People, service: Service) -> None:
    body = people.request(CHILD, username=service.admin_username)
    assert refusals.already_registered("Child") == refused(people.admin.post(CHILD.path, body))


def test_an_institution_name_is_taken(admin: Api) -> None:
    name = unique("school")
    created(admin.post("/v1/institutions", {"type": "school", "name": name}))
    again = admin.post("/v1/institutions", {"type": "clinic", "name": name, "address": "elsewhere"})
    assert refusals.already_registered("Institution") == refused(again)


def test_exactly_one_of_64_equal_usernames_at_once_is_accepted(people: People) -> None:
    body = people.request(CHILD)
    responses = at_once([partial(people.admin.post, CHILD.path, body)] * TOGETHER)
    assert {201: 1, 409: TOGETHER - 1} == statuses(responses)
    duplicates = [refused(response) for response in responses if response.status_code == 409]
    assert [refusals.already_registered("Child")] * (TOGETHER - 1) == duplicates


def test_exactly_one_of_64_equal_institutions_at_once_is_accepted(admin: Api) -> None:
    body = {"type": "school", "name": unique("school")}
    responses = at_once([partial(admin.post, "/v1/institutions", body)] * TOGETHER)
    assert {201: 1, 409: TOGETHER - 1} == statuses(responses)


@each_owner
def test_exactly_one_of_64_equal_groups_at_once_is_accepted(account: Account, people: People, child: User) -> None:
    owner = people.create(account)
    post = partial(people.as_(owner).post, groups(account, owner), {"name": "group", "children": [child.id]})
    assert {201: 1, 409: TOGETHER - 1} == statuses(at_once([post] * TOGETHER))


@each_account
def test_a_removed_user_cannot_log_in(account: Account, people: People, anyone: Api) -> None:
    user = people.someone(account)
    response = people.admin.delete(f"/v1/users/{user.id.upper()}")
    assert (204, b"") == (response.status_code, response.content)
    login = {"username": user.username, "password": PASSWORD}
    assert refusals.BAD_LOGIN == refused(anyone.post("/v1/auth", login))


def test_removing_twice_or_who_never_was_is_answered_alike(people: People, child: User) -> None:
    paths = [f"/v1/users/{id}" for id in (child.id, child.id, UNKNOWN_ID)]
    assert [204] * 3 == [people.admin.delete(path).status_code for path in paths]


def test_a_removed_child_is_no_child_for_families_and_groups(people: People, child: User) -> None:
    people.remove(child)
    teacher = people.create(EDUCATOR)
    family = people.admin.post(FAMILY.path, people.request(FAMILY, children=[child.id]))
    group = people.as_(teacher).post(groups(EDUCATOR, teacher), {"name": "group", "children": [child.id]})
    assert [refusals.no_children(child.id)] * 2 == [refused(family), refused(group)]
