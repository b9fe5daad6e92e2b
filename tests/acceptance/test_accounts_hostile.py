"""Account requests that no honest client sends: each is answered by the contract, none with a 500."""

import secrets
from collections.abc import Callable
from typing import Any, NamedTuple

import httpx
import pytest

from tests.acceptance import refusals
from tests.acceptance.client import UNKNOWN_ID, Api, Body, User, page_of, refused, shown
from tests.acceptance.groups import OWNERS, each_owner, owner_of_groups
from tests.acceptance.hostile import (
    ARRAYS,
    BAD_CHILDREN,
    BAD_TEXTS,
    OTHER_TYPES,
    UNKNOWN_CHILDREN,
    UNREADABLE,
    bad_text_of,
)
from tests.acceptance.people import ACCOUNTS, APPLICATION, CHILD, FAMILY, Account, People, unique

MAX_BYTES = 256 * 1024
INSTITUTIONS = "/v1/institutions"
ONE = f"/{UNKNOWN_ID}"

HUGE = [2_000, 3_000, 7_000]
"""In characters that do not compress well: beyond what an index of PostgreSQL takes."""

NOT_ALLOWED = [
    ("PUT", INSTITUTIONS, {"GET", "POST"}),
    ("POST", INSTITUTIONS + ONE, {"GET", "DELETE"}),
    ("PATCH", INSTITUTIONS + ONE, {"GET", "DELETE"}),
    *(("DELETE", account.path, {"GET", "POST"}) for account in ACCOUNTS),
    *((method, account.path + ONE, {"GET"}) for account in ACCOUNTS for method in ("DELETE", "PATCH", "POST")),
    ("GET", f"{FAMILY.path}{ONE}/children{ONE}", {"POST", "DELETE"}),
    *(("DELETE", f"{account.path}{ONE}/children/groups", {"GET", "POST"}) for account in OWNERS),
    *(("POST", f"{account.path}{ONE}/children/groups{ONE}", {"GET", "PATCH", "DELETE"}) for account in OWNERS),
    ("GET", f"/v1/users{ONE}", {"DELETE"}),
    *((method, f"/v1/users{ONE}/password", {"PUT"}) for method in ("GET", "POST", "DELETE")),
]

UNKNOWN_PATHS = [
    "/v1/users",
    "/v1/admins",
    f"{FAMILY.path}{ONE}/children",
    f"{CHILD.path}{ONE}/children/groups",
    f"{OWNERS[0].path}{ONE}/children",
    f"/v1/users{ONE}/passwords",
]


class Target(NamedTuple):
    """Where a body is read, and whose token is needed."""

    api: Api
    method: str
    path: str

    def send(self, content: bytes, content_type: str) -> httpx.Response:
        return self.api.request(self.method, self.path, content, content_type=content_type)


@pytest.fixture(
    params=["institution", *(account.sub_type for account in ACCOUNTS), *(o.name for o in OWNERS), "change of a group"]
)
def target(request: pytest.FixtureRequest, people: People, child: User) -> Target:
    collections = {account.sub_type: account.path for account in ACCOUNTS} | {"institution": INSTITUTIONS}
    if request.param in collections:
        return Target(people.admin, "POST", collections[request.param])
    owner = owner_of_groups(people, next((o for o in OWNERS if o.name == request.param), OWNERS[0]))
    if request.param == "change of a group":
        return Target(owner.api, "PATCH", owner.path(owner.make(child)["id"]))
    return Target(owner.api, "POST", owner.path())


@pytest.mark.parametrize("content_type", OTHER_TYPES)
def test_a_body_of_another_type_is_refused(content_type: str, target: Target) -> None:
    assert refusals.MEDIA_TYPE == refused(target.send(b"{}", content_type))


@pytest.mark.parametrize("content", UNREADABLE, ids=lambda content: ascii(content)[:20])
def test_an_account_body_that_is_not_json_is_rejected(content: bytes, target: Target) -> None:
    assert refusals.UNREADABLE == refused(target.send(content, "application/json"))


@pytest.mark.parametrize("content", ARRAYS, ids=ascii)
def test_an_array_is_refused(content: bytes, target: Target) -> None:
    assert refusals.UNREADABLE == refused(target.send(content, "application/json; charset=utf-8"))


def test_a_body_that_is_too_large_is_refused(target: Target) -> None:
    content = b'{"name": "' + b"x" * MAX_BYTES + b'"}'
    answer = refused(target.send(content, "application/json"))
    assert refusals.refusal(413, "Payload too large!", answer["description"]) == answer


@pytest.mark.parametrize(("method", "path", "allowed"), NOT_ALLOWED, ids=[f"{row[0]} {row[1]}" for row in NOT_ALLOWED])
def test_a_method_that_is_not_allowed_is_named_with_those_that_are(
    method: str, path: str, allowed: set[str], admin: Api
) -> None:
    response = admin.request(method, path)
    assert refusals.no_method(method, path) == refused(response)
    listed = {name.strip() for name in response.headers["allow"].split(",")}
    assert allowed <= listed
    assert not {"GET", "POST", "PUT", "PATCH", "DELETE"} & listed - allowed


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("path", UNKNOWN_PATHS)
def test_an_unknown_path_is_named(method: str, path: str, admin: Api) -> None:
    assert refusals.no_endpoint(path) == refused(admin.request(method, path))


def taken_or_refused(response: httpx.Response, get: Callable[[Body], httpx.Response]) -> Body | None:
    """The body of a 200 or 201, if it can be read back; else it is a refusal of fields."""
    if response.is_success:
        body: Body = response.json()
        assert body == shown(get(body))
        return body
    answer = refused(response)
    assert refusals.fields(answer["description"]) == answer
    return None


@pytest.mark.parametrize("member", ["name", "type", "address"])
@pytest.mark.parametrize("size", HUGE)
def test_a_huge_text_of_an_institution_is_stored_whole_or_refused(size: int, member: str, admin: Api) -> None:
    text = secrets.token_hex(size)
    body = {"type": "school", "name": unique("school")} | {member: text}
    made = taken_or_refused(admin.post(INSTITUTIONS, body), lambda made: admin.get(f"{INSTITUTIONS}/{made['id']}"))
    if made is not None and member == "name":
        assert refusals.already_registered("Institution") == refused(admin.post(INSTITUTIONS, body))
        similar = body | {"name": text[:-1] + "x"}
        assert 201 == admin.post(INSTITUTIONS, similar).status_code


@each_owner
@pytest.mark.parametrize("member", ["name", "school_class"])
@pytest.mark.parametrize("size", HUGE)
def test_a_huge_text_of_a_group_is_stored_whole_or_refused(
    size: int, member: str, account: Account, people: People, child: User
) -> None:
    owner = owner_of_groups(people, account)

    def get(group: Body) -> httpx.Response:
        return owner.api.get(owner.path(group["id"]))

    body = {"name": "group", "children": [child.id]} | {member: secrets.token_hex(size)}
    taken_or_refused(owner.api.post(owner.path(), body), get)
    path = owner.path(owner.make(child)["id"])
    taken_or_refused(owner.api.patch(path, {member: secrets.token_hex(size)}), get)
    assert 200 == owner.api.get(owner.path()).status_code


@pytest.mark.parametrize("size", HUGE)
def test_a_huge_name_of_an_application_is_stored_whole_or_refused(size: int, admin: Api, people: People) -> None:
    body = people.request(APPLICATION, application_name=secrets.token_hex(size))
    taken_or_refused(admin.post(APPLICATION.path, body), lambda made: admin.get(f"{APPLICATION.path}/{made['id']}"))


@pytest.mark.parametrize("size", [1_000, 7_000])
def test_a_huge_password_logs_in_or_is_refused(size: int, admin: Api, people: People) -> None:
    body = people.request(CHILD, password=secrets.token_hex(size))
    if taken_or_refused(admin.post(CHILD.path, body), lambda made: admin.get(f"{CHILD.path}/{made['id']}")):
        assert admin.login(body["username"], body["password"]).token
        wrong = {"username": body["username"], "password": body["password"][:-1]}
        assert refusals.BAD_LOGIN == refused(admin.post("/v1/auth", wrong))


@each_owner
@pytest.mark.parametrize("children", BAD_CHILDREN, ids=ascii)
def test_children_of_a_group_that_are_no_ids_are_refused(children: Any, account: Account, people: People) -> None:
    owner = owner_of_groups(people, account)
    answer = refused(owner.api.post(owner.path(), {"name": "group", "children": children}))
    assert refusals.fields(answer["description"]) == answer
    assert answer["description"].startswith("children ")
    assert ([], 0) == page_of(owner.api.get(owner.path()))


@each_owner
@pytest.mark.parametrize("unknown", UNKNOWN_CHILDREN, ids=ascii)
def test_unknown_children_of_a_group_are_named_once(
    unknown: str, account: Account, people: People, child: User
) -> None:
    owner = owner_of_groups(people, account)
    body = {"name": "group", "children": [unknown, child.id, {"id": unknown}, unknown]}
    assert refusals.no_children(unknown) == refused(owner.api.post(owner.path(), body))
    assert ([], 0) == page_of(owner.api.get(owner.path()))


@each_owner
@pytest.mark.parametrize(("said", "value"), BAD_TEXTS, ids=ascii)
def test_a_bad_text_of_a_new_group_is_refused(
    said: str, value: Any, account: Account, people: People, child: User
) -> None:
    owner = owner_of_groups(people, account)
    body = {"name": "group", "children": [child.id]}
    assert bad_text_of("name", said) == refused(owner.api.post(owner.path(), body | {"name": value}))
    if value is not None:
        expected = bad_text_of("school_class", said)
        assert expected == refused(owner.api.post(owner.path(), body | {"school_class": value}))
    assert ([], 0) == page_of(owner.api.get(owner.path()))


@each_owner
def test_a_group_of_very_many_times_the_same_child_has_one(account: Account, people: People, child: User) -> None:
    owner = owner_of_groups(people, account)
    group = owner.make(children=[child.id, {"id": child.id}] * 4_000)
    assert [child.id] == group["children"]
    assert refused(owner.api.post(owner.path(), {"name": "x", "children": [UNKNOWN_ID] * 8_000}))["code"] == 400
