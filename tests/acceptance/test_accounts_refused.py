"""Accounts that are refused: missing and bad members, unknown institutions and children, who may not."""

from itertools import combinations
from typing import Any

import jwt
import pytest

from tests.acceptance import refusals
from tests.acceptance.client import UNKNOWN_ID, Api, Body, Service, User, refused
from tests.acceptance.people import (
    ACCOUNTS,
    APPLICATION,
    CHILD,
    EDUCATOR,
    FAMILY,
    HEALTH_PROFESSIONAL,
    Account,
    People,
    unique,
)

INSTITUTIONS = "/v1/institutions"

each_account = pytest.mark.parametrize("account", ACCOUNTS, ids=[account.sub_type for account in ACCOUNTS])
each_owner = pytest.mark.parametrize("account", [EDUCATOR, HEALTH_PROFESSIONAL], ids=["educator", "health"])


def some_of(members: tuple[str, ...]) -> list[tuple[str, ...]]:
    return [some for size in range(1, len(members) + 1) for some in combinations(members, size)]


def without(body: Body, missing: tuple[str, ...]) -> Body:
    return {member: value for member, value in body.items() if member not in missing}


def short(value: Any) -> str:
    return value.sub_type if isinstance(value, Account) else ascii(value)[:20]


MISSING = [(account, missing) for account in ACCOUNTS for missing in some_of(account.required)]

NO_TEXTS: list[Any] = [None, 5, {}, "a\x00b", "a\ud800"]
NO_NUMBERS: list[Any] = ["north", True, {}, []]

BAD_MEMBERS: dict[tuple[Account, str], list[Any]] = {
    (CHILD, "username"): [*NO_TEXTS, True, [], "x" * 201],
    (CHILD, "password"): NO_TEXTS,
    (CHILD, "gender"): [*NO_TEXTS, "", "other", "Female", "male\x00"],
    (CHILD, "age"): [None, 0, -1, True, [], {}, "1\x00", "\ud800"],
    (APPLICATION, "application_name"): NO_TEXTS,
}
BAD_MEMBER_ROWS = [(*target, value) for target, values in BAD_MEMBERS.items() for value in values]

BAD_INSTITUTIONS: dict[str, list[Any]] = {
    "type": NO_TEXTS,
    "name": NO_TEXTS,
    "address": NO_TEXTS[1:],
    "latitude": NO_NUMBERS,
    "longitude": NO_NUMBERS,
}
BAD_INSTITUTION_ROWS = [(member, value) for member, values in BAD_INSTITUTIONS.items() for value in values]

LOGINS = [
    ("the admin with a wrong password", True, "wrong"),
    ("the admin with an empty password", True, ""),
    ("nobody", False, "wrong"),
    ("nobody with an empty password", False, ""),
]


@pytest.mark.parametrize(("known", "password"), [row[1:] for row in LOGINS], ids=[row[0] for row in LOGINS])
def test_a_login_with_the_wrong_name_or_password_is_refused_alike(
    known: bool, password: str, anyone: Api, service: Service
) -> None:
    username = service.admin_username if known else unique("nobody")
    response = anyone.post("/v1/auth", {"username": username, "password": password})
    assert refusals.BAD_LOGIN == refused(response)


def test_a_login_with_the_password_of_another_is_refused(people: People, anyone: Api) -> None:
    first, second = people.create(CHILD, password="the first"), people.create(CHILD, password="the second")
    assert people.admin.login(second.username, "the second").token
    login = {"username": first.username, "password": "the second"}
    assert refusals.BAD_LOGIN == refused(anyone.post("/v1/auth", login))


@pytest.mark.parametrize("missing", some_of(("username", "password")), ids=" ".join)
def test_a_login_names_its_missing_members(missing: tuple[str, ...], anyone: Api) -> None:
    body = without({"username": "a", "password": "b"}, missing)
    assert refusals.required(*missing) == refused(anyone.post("/v1/auth", body))


@pytest.mark.parametrize(
    ("account", "missing"),
    MISSING,
    ids=[f"{account.sub_type} without {' '.join(some)}" for account, some in MISSING],
)
def test_an_account_names_its_missing_members_in_order(
    account: Account, missing: tuple[str, ...], people: People
) -> None:
    body = without(people.request(account), missing)
    assert refusals.required(*missing) == refused(people.admin.post(account.path, body))


@pytest.mark.parametrize("missing", some_of(("type", "name")), ids=" ".join)
def test_an_institution_names_its_missing_members(missing: tuple[str, ...], admin: Api) -> None:
    body = without({"type": "school", "name": unique("school"), "address": "x"}, missing)
    assert refusals.required(*missing) == refused(admin.post(INSTITUTIONS, body))


@each_owner
@pytest.mark.parametrize("missing", some_of(("name", "children")), ids=" ".join)
def test_a_group_names_its_missing_members(
    account: Account, missing: tuple[str, ...], people: People, child: User
) -> None:
    owner = people.create(account)
    body = without({"name": "group", "children": [child.id], "school_class": "3B"}, missing)
    response = people.as_(owner).post(f"{account.path}/{owner.id}/children/groups", body)
    assert refusals.required(*missing) == refused(response)


@pytest.mark.parametrize(("account", "member", "value"), BAD_MEMBER_ROWS, ids=short)
def test_a_bad_member_of_an_account_is_refused(account: Account, member: str, value: Any, people: People) -> None:
    response = people.admin.post(account.path, people.request(account) | {member: value})
    assert 400 == refused(response)["code"]


@pytest.mark.parametrize(("member", "value"), BAD_INSTITUTION_ROWS, ids=short)
def test_a_bad_member_of_an_institution_is_refused(member: str, value: Any, admin: Api) -> None:
    body = {"type": "school", "name": unique("school")} | {member: value}
    assert 400 == refused(admin.post(INSTITUTIONS, body))["code"]


@pytest.mark.parametrize("member", ["latitude", "longitude"])
def test_a_place_beyond_a_double_is_refused(member: str, admin: Api) -> None:
    body = f'{{"type": "school", "name": "{unique("school")}", "{member}": 1e400}}'
    assert 400 == refused(admin.post_raw(INSTITUTIONS, body))["code"]


@each_account
def test_an_unknown_institution_is_refused(account: Account, people: People, child: User) -> None:
    body = people.request(account) | {"institution_id": UNKNOWN_ID}
    body |= {"children": [child.id]} if account is FAMILY else {}
    assert refusals.NO_INSTITUTION == refused(people.admin.post(account.path, body))


@pytest.mark.parametrize("value", [None, 5, {}, [], "", "x", "\x00", "\ud800"], ids=ascii)
def test_an_institution_id_that_is_no_id_is_refused(value: Any, people: People) -> None:
    body = people.request(CHILD) | {"institution_id": value}
    assert 400 == refused(people.admin.post(CHILD.path, body))["code"]


def test_a_family_of_unknown_children_is_refused_and_its_name_stays_free(people: People, child: User) -> None:
    body = people.request(FAMILY, children=[child.id, UNKNOWN_ID])
    assert refusals.no_children(UNKNOWN_ID) == refused(people.admin.post(FAMILY.path, body))
    assert 201 == people.admin.post(FAMILY.path, body | {"children": [child.id]}).status_code


@each_owner
@pytest.mark.parametrize("form", ["id", "object"])
def test_a_group_of_unknown_children_is_refused_and_its_name_stays_free(
    account: Account, form: str, people: People, child: User
) -> None:
    owner = people.create(account)
    api, path = people.as_(owner), f"{account.path}/{owner.id}/children/groups"
    unknown = UNKNOWN_ID if form == "id" else {"id": UNKNOWN_ID}
    assert refusals.no_children(UNKNOWN_ID) == refused(
        api.post(path, {"name": "group", "children": [child.id, unknown]})
    )
    assert 201 == api.post(path, {"name": "group", "children": [child.id]}).status_code


def test_every_unknown_child_is_named_in_the_error(people: People, child: User) -> None:
    response = people.admin.post(FAMILY.path, people.request(FAMILY, children=[UNKNOWN_ID, child.id, "f" * 24]))
    body = refused(response)
    assert refusals.no_children("")["message"] == body["message"]
    assert (True, True, False) == tuple(id in body["description"] for id in (UNKNOWN_ID, "f" * 24, child.id))


@pytest.mark.parametrize("account", ACCOUNTS[1:], ids=short)
def test_a_user_who_is_no_child_is_an_unknown_child(account: Account, people: People) -> None:
    user = people.someone(account)
    response = people.admin.post(FAMILY.path, people.request(FAMILY, children=[user.id]))
    assert refusals.no_children(user.id) == refused(response)


@pytest.mark.parametrize("children", [None, 5, "x", {}, [None], [5], [[]], [{}], ["x"], ["\x00"]], ids=ascii)
def test_children_that_are_no_ids_are_refused(children: Any, people: People) -> None:
    body = people.request(FAMILY, children=children)
    assert 400 == refused(people.admin.post(FAMILY.path, body))["code"]


@each_account
@pytest.mark.parametrize("path", [INSTITUTIONS, *(account.path for account in ACCOUNTS)])
def test_only_the_admin_creates(account: Account, path: str, people: People) -> None:
    assert refusals.FORBIDDEN == refused(people.as_(people.someone(account)).post_raw(path, "{"))


@each_account
def test_only_the_admin_removes_users(account: Account, people: People, child: User) -> None:
    user = people.someone(account)
    for user_id in (child.id, user.id, UNKNOWN_ID):
        assert refusals.FORBIDDEN == refused(people.as_(user).delete(f"/v1/users/{user_id}"))
    assert people.as_(child).token
    assert people.as_(user).token


def test_a_malformed_user_id_is_refused(admin: Api) -> None:
    for bad in ("x", UNKNOWN_ID[1:], UNKNOWN_ID + "0", "g" * 24):
        assert refusals.bad_id("user_id") == refused(admin.delete(f"/v1/users/{bad}"))


@each_owner
def test_only_the_owner_posts_groups(account: Account, people: People, child: User) -> None:
    owner, other = people.create(account), people.create(account)
    body = {"name": "group", "children": [child.id]}
    strangers = [people.admin, people.as_(other), people.as_(child), people.as_(people.family_of(child))]
    for stranger in [*strangers, people.as_(people.application())]:
        response = stranger.post(f"{account.path}/{owner.id}/children/groups", body)
        assert refusals.FORBIDDEN == refused(response)
    assert 201 == people.as_(owner).post(f"{account.path}/{owner.id}/children/groups", body).status_code


@each_owner
def test_groups_cannot_be_posted_under_the_collection_of_another_role(
    account: Account, people: People, child: User
) -> None:
    owner = people.create(account)
    collection = HEALTH_PROFESSIONAL if account is EDUCATOR else EDUCATOR
    body = {"name": "group", "children": [child.id]}
    response = people.as_(owner).post(f"{collection.path}/{owner.id}/children/groups", body)
    assert refusals.FORBIDDEN == refused(response)


@pytest.mark.parametrize("content", [b"", b"{", b"null", b"5", b'"x"', b"\xff", b'{"username": NaN}'], ids=ascii)
@pytest.mark.parametrize("path", ["/v1/auth", INSTITUTIONS, *(account.path for account in ACCOUNTS)])
def test_a_body_that_is_no_json_object_is_refused(path: str, content: bytes, admin: Api) -> None:
    assert refusals.UNREADABLE == refused(admin.post_raw(path, content))


def test_the_admin_cannot_remove_itself(admin: Api, anyone: Api, service: Service) -> None:
    assert admin.token
    own_id = jwt.decode(admin.token, options={"verify_signature": False})["sub"]
    for form in (own_id, own_id.upper()):
        assert refusals.FORBIDDEN == refused(admin.delete(f"/v1/users/{form}"))
    assert anyone.login(service.admin_username, service.admin_password).token
