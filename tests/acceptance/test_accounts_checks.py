"""The order of checks of an account request: ids, whose they are, what was sent, what is recorded."""

import pytest

from tests.acceptance import refusals
from tests.acceptance.client import UNKNOWN_ID, Api, Service, User, refused
from tests.acceptance.groups import GROUP, Owner, each_owner, owner_of_groups
from tests.acceptance.people import ACCOUNTS, Account, People
from tests.acceptance.test_tokens import Forger

LISTS = ["/v1/institutions", *(account.path for account in ACCOUNTS)]


def removed_owner(people: People, account: Account, child: User) -> tuple[Owner, str]:
    """An owner who is gone, and the path of the group that was its own."""
    owner = owner_of_groups(people, account)
    group = owner.path(owner.make(child)["id"])
    people.remove(owner.user)
    return owner, group


@each_owner
@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_ids_are_checked_before_the_owner_of_a_path(method: str, account: Account, people: People) -> None:
    api, others = people.as_(people.create(account)), owner_of_groups(people, account).path("x")
    assert refusals.bad_id("group_id") == refused(api.request(method, others, b"{"))


@each_owner
def test_the_owner_of_a_path_is_checked_before_bodies_and_filters(account: Account, people: People) -> None:
    api, other = people.as_(people.create(account)), owner_of_groups(people, account)
    assert refusals.FORBIDDEN == refused(api.request("PATCH", other.path(UNKNOWN_ID), b"{"))
    assert refusals.FORBIDDEN == refused(api.request("POST", other.path(), b"{"))
    assert refusals.FORBIDDEN == refused(api.get(f"{other.path()}?page=0"))


@each_owner
def test_a_body_is_checked_before_the_existence_of_its_group(account: Account, people: People) -> None:
    owner = owner_of_groups(people, account)
    unknown = owner.path(UNKNOWN_ID)
    assert refusals.UNREADABLE == refused(owner.api.request("PATCH", unknown, b"{"))
    assert refusals.no_text("name") == refused(owner.api.patch(unknown, {"name": None}))
    assert refusals.not_there(GROUP) == refused(owner.api.patch(unknown, {"children": [UNKNOWN_ID]}))


@each_owner
def test_a_body_is_checked_before_whether_its_user_is_there(account: Account, people: People, child: User) -> None:
    owner, group = removed_owner(people, account, child)
    assert refusals.UNREADABLE == refused(owner.api.request("PATCH", group, b"{"))
    assert refusals.UNREADABLE == refused(owner.api.request("POST", owner.path(), b"{"))
    assert refusals.required("name", "children") == refused(owner.api.post(owner.path(), {}))
    assert refusals.no_text("name") == refused(owner.api.patch(group, {"name": 5}))


@each_owner
def test_a_removed_owner_is_refused_as_unregistered_before_unknown_groups_and_children(
    account: Account, people: People, child: User
) -> None:
    owner, group = removed_owner(people, account, child)
    for path in (group, owner.path(UNKNOWN_ID)):
        assert refusals.GONE == refused(owner.api.patch(path, {"children": [UNKNOWN_ID]}))
        assert refusals.GONE == refused(owner.api.patch(path, {}))
        assert refusals.GONE == refused(owner.api.get(path))
        assert refusals.GONE == refused(owner.api.delete(path))
    assert refusals.GONE == refused(owner.api.get(owner.path()))
    assert refusals.GONE == refused(owner.api.post(owner.path(), {"name": "x", "children": [UNKNOWN_ID]}))


@each_owner
def test_a_removed_owner_is_refused_as_unregistered_before_an_invalid_filter(
    account: Account, people: People, child: User
) -> None:
    owner, _ = removed_owner(people, account, child)
    assert refusals.GONE == refused(owner.api.get(f"{owner.path()}?page=0"))


@pytest.mark.parametrize("path", LISTS)
def test_a_removed_admin_is_refused_as_unregistered_before_an_invalid_filter(
    path: str, admin: Api, service: Service, anyone: Api
) -> None:
    assert admin.token
    gone = anyone.with_token(Forger(service, admin.token).sign(sub=UNKNOWN_ID))
    assert refusals.GONE == refused(gone.get(f"{path}?colour=red"))
