"""No answer of the accounts holds a password, a member of that name, or a hash."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.acceptance.client import UNKNOWN_ID, Api, Body, User
from tests.acceptance.groups import each_owner, owner_of_groups
from tests.acceptance.people import ACCOUNTS, FAMILY, Account, People, unique

each_account = pytest.mark.parametrize("account", ACCOUNTS, ids=[account.sub_type for account in ACCOUNTS])


def members(value: Any) -> set[str]:
    """The names of all members, however deep."""
    if isinstance(value, dict):
        return set(value).union(*map(members, value.values()))
    return set().union(*map(members, value)) if isinstance(value, list) else set()


def betrays(response: httpx.Response, *secrets: str) -> list[str]:
    """What the headers or the body tell that they should not."""
    told = f"{dict(response.headers)} {response.text}"
    found = [secret for secret in (*secrets, "argon2", "$v=19$") if secret in told]
    if response.content:
        found += [member for member in members(response.json()) if "password" in member or "hash" in member]
    return found


def registered(people: People, account: Account, child: User) -> tuple[Body, Callable[..., Body]]:
    """What was sent, and how to send it with changes."""
    own: Body = {"children": [child.id]} if account is FAMILY else {}

    def body(**changes: object) -> Body:
        return people.request(account) | own | {"password": secret()} | changes

    return body(), body


def secret() -> str:
    return unique("secret").replace(" ", "-")


@each_account
def test_no_answer_about_a_user_tells_its_password(account: Account, people: People, child: User, anyone: Api) -> None:
    sent, body = registered(people, account, child)
    admin, path = people.admin, account.path
    made = admin.post(path, sent)
    assert 201 == made.status_code, made.text
    one, own = f"{path}/{made.json()['id']}", admin.login(sent["username"], sent["password"])
    stranger = people.as_(child) if account is not ACCOUNTS[0] else people.as_(people.application())
    answers = [
        made,
        anyone.post("/v1/auth", {"username": sent["username"], "password": sent["password"]}),
        anyone.post("/v1/auth", {"username": sent["username"], "password": sent["password"] + "x"}),
        anyone.post("/v1/auth", {"password": sent["password"]}),
        admin.get(path),
        admin.get(f"{path}?limit=1"),
        admin.get(f"{path}?password=x"),
        admin.get(one),
        own.get(one),
        own.get(path),
        stranger.get(one),
        admin.post(path, sent),
        admin.post(path, {**sent, "username": None}),
        admin.post(path, {"password": sent["password"]}),
        admin.post(path, body(password=sent["password"], institution_id=UNKNOWN_ID)),
        admin.post_raw(path, f'{{"password": "{sent["password"]}"'),
        admin.request("POST", path, sent["password"].encode(), content_type="text/plain"),
        own.post(path, sent),
    ]
    assert {200, 201, 400, 401, 403, 409, 415} == {answer.status_code for answer in answers}
    assert [[]] * len(answers) == [betrays(answer, sent["password"]) for answer in answers]


@each_account
def test_no_answer_to_a_change_of_a_password_tells_it(account: Account, people: People, child: User) -> None:
    sent, _ = registered(people, account, child)
    made = people.admin.post(account.path, sent)
    assert 201 == made.status_code, made.text
    own, path = people.admin.login(sent["username"], sent["password"]), f"/v1/users/{made.json()['id']}/password"
    old, new = sent["password"], secret()
    answers = [
        own.put(path, {"old_password": "wrong", "new_password": new}),
        own.put(path, {"old_password": old}),
        own.put(path, {"old_password": old, "new_password": new + "\x00"}),
        own.put(path, {"old_password": [old], "new_password": new}),
        own.put(path, [old, new]),
        people.admin.put(path, {"old_password": old, "new_password": new}),
        own.put(path, {"old_password": old, "new_password": new}),
        own.get(f"{account.path}/{made.json()['id']}"),
        people.admin.login(sent["username"], new).get(f"{account.path}/{made.json()['id']}"),
        people.admin.post(path.replace("password", "reset-password"), {"new_password": old}),
        people.admin.post(path.replace("password", "reset-password"), {"new_password": old[:7]}),
        people.admin.get(f"{account.path}?limit=10"),
        people.admin.get(f"{account.path}/{made.json()['id']}"),
    ]
    assert [400, 400, 400, 400, 400, 403, 204, 401, 200, 204, 400, 200, 200] == [
        answer.status_code for answer in answers
    ]
    assert [[]] * len(answers) == [betrays(answer, old, new) for answer in answers]


def test_no_answer_about_a_family_s_ties_tells_a_password(people: People, child: User) -> None:
    sent, _ = registered(people, FAMILY, child)
    made = people.admin.post(FAMILY.path, sent)
    assert 201 == made.status_code, made.text
    links = f"{FAMILY.path}/{made.json()['id']}/children"
    answers = [
        people.admin.post(f"{links}/{child.id}", {}),
        people.admin.post(f"{links}/{UNKNOWN_ID}", {}),
        people.admin.delete(f"{links}/{child.id}"),
        people.admin.delete(f"/v1/users/{made.json()['id']}"),
    ]
    assert [200, 400, 204, 204] == [answer.status_code for answer in answers]
    assert [[]] * len(answers) == [betrays(answer, sent["password"], child.password) for answer in answers]


@each_owner
def test_no_answer_about_groups_tells_a_password(account: Account, people: People, child: User) -> None:
    owner = owner_of_groups(people, account)
    body = {"name": "group", "children": [{"id": child.id, "password": child.password}], "password": "x"}
    made = owner.api.post(owner.path(), body)
    assert 201 == made.status_code, made.text
    group = owner.path(made.json()["id"])
    answers = [
        made,
        owner.api.post(owner.path(), body),
        owner.api.get(owner.path()),
        owner.api.get(group),
        owner.api.patch(group, body | {"name": "new"}),
        owner.api.patch(group, {"name": None}),
        owner.api.get(f"{account.path}/{owner.user.id}"),
        people.admin.get(account.path),
        owner.api.delete(group),
    ]
    assert [201, 409, 200, 200, 200, 400, 200, 200, 204] == [answer.status_code for answer in answers]
    assert [[]] * len(answers) == [betrays(answer, child.password) for answer in answers]


def test_no_answer_about_institutions_tells_a_password(people: People) -> None:
    path = "/v1/institutions"
    body = {"type": "school", "name": unique("school"), "password": secret()}
    made, child = people.admin.post(path, body), people.child()
    assert 201 == made.status_code, made.text
    answers = [
        made,
        people.admin.post(path, body),
        people.admin.get(path),
        people.admin.get(f"{path}/{people.institution_id}"),
        people.admin.delete(f"{path}/{child.body['institution_id']}"),
        people.admin.delete(f"{path}/{made.json()['id']}"),
    ]
    assert [201, 409, 200, 200, 400, 204] == [answer.status_code for answer in answers]
    assert [[]] * len(answers) == [betrays(answer, body["password"], child.password) for answer in answers]
