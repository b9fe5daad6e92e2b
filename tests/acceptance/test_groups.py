"""Groups of children: shown, deleted, and what they permit from the next request on."""

from functools import partial

import pytest

from tests.acceptance import refusals
from tests.acceptance.client import (
    UNKNOWN_ID,
    WEIGHT,
    Api,
    Body,
    User,
    at_once,
    nothing,
    page_of,
    refused,
    shown,
    statuses,
)
from tests.acceptance.groups import GROUP, Owner, each_owner, ids, owner_of_groups
from tests.acceptance.hostile import BAD_IDS
from tests.acceptance.people import Account, People, unique


def may_read(api: Api, child: User) -> bool:
    response = api.get(WEIGHT.path(child.id))
    if response.status_code != 200:
        assert refusals.FORBIDDEN == refused(response)
    return response.is_success


@each_owner
def test_an_owner_without_groups_gets_an_empty_list(account: Account, people: People) -> None:
    owner = owner_of_groups(people, account)
    assert ([], 0) == page_of(owner.api.get(owner.path()))
    assert [] == owner.shown()["children_groups"]


@each_owner
@pytest.mark.parametrize("optional", [{}, {"school_class": "3B"}, {"school_class": ""}], ids=["none", "class", "empty"])
def test_a_group_is_shown_as_it_was_answered(account: Account, optional: Body, people: People) -> None:
    owner = owner_of_groups(people, account)
    children = [people.child(), people.child()]
    group = owner.make(*children[::-1], name="a group", **optional)
    expected = {"id": group["id"], "name": "a group", "children": ids(*children)} | optional
    assert expected == group
    assert group == owner.group(group["id"])
    assert ([group], 1) == page_of(owner.api.get(owner.path()))


@each_owner
def test_a_new_group_takes_no_school_class_that_is_null(account: Account, people: People, child: User) -> None:
    owner = owner_of_groups(people, account)
    body = {"name": "group", "children": [child.id], "school_class": None}
    assert refusals.no_text("school_class") == refused(owner.api.post(owner.path(), body))
    assert ([], 0) == page_of(owner.api.get(owner.path()))


@each_owner
def test_a_child_that_is_sent_twice_is_in_a_group_once(account: Account, people: People) -> None:
    owner = owner_of_groups(people, account)
    first, second = people.child(), people.child()
    sent = [second.id, first.id, {"id": second.id}, first.id.upper(), {"id": first.id.upper(), "age": 9}]
    group = owner.make(children=sent)
    assert ids(first, second) == group["children"]
    assert group == owner.group(group["id"])


@each_owner
def test_groups_are_listed_latest_first_and_only_to_their_owner(account: Account, people: People, child: User) -> None:
    owner, other = owner_of_groups(people, account), owner_of_groups(people, account)
    groups = [owner.make(child) for _ in range(3)]
    foreign = other.make(child)
    assert (groups[::-1], 3) == page_of(owner.api.get(owner.path()))
    assert ([foreign], 1) == page_of(other.api.get(other.path()))


@each_owner
def test_ids_of_a_group_are_taken_in_either_case(account: Account, people: People, child: User) -> None:
    owner = owner_of_groups(people, account)
    group = owner.make(child)
    path = f"{account.path}/{owner.user.id.upper()}/children/groups"
    assert [group] == page_of(owner.api.get(path))[0]
    one = f"{path}/{group['id'].upper()}"
    assert group == shown(owner.api.get(one))
    assert group == shown(owner.api.patch(one, {}))
    assert nothing(owner.api.delete(one))
    assert ([], 0) == page_of(owner.api.get(path))


@each_owner
def test_a_group_of_another_is_as_if_it_never_was(account: Account, people: People, child: User) -> None:
    owner, other = owner_of_groups(people, account), owner_of_groups(people, account)
    group = other.make(child)
    for group_id in (group["id"], UNKNOWN_ID, child.id, owner.user.id):
        assert refusals.not_there(GROUP) == refused(owner.api.get(owner.path(group_id)))
        assert refusals.not_there(GROUP) == refused(owner.api.patch(owner.path(group_id), {"name": "mine"}))
        assert nothing(owner.api.delete(owner.path(group_id)))
    assert group == other.group(group["id"])


@each_owner
@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
@pytest.mark.parametrize("bad", BAD_IDS.values(), ids=BAD_IDS.keys())
def test_an_id_that_is_none_is_refused(bad: str, method: str, account: Account, people: People) -> None:
    owner = owner_of_groups(people, account)
    content = b"{" if method == "PATCH" else None
    assert refusals.bad_id("group_id") == refused(owner.api.request(method, owner.path(bad), content))
    of_nobody = f"{account.path}/{bad}/children/groups/{UNKNOWN_ID}"
    assert refusals.bad_id(f"{account.sub_type}_id") == refused(owner.api.request(method, of_nobody, content))


@each_owner
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_owner_s_id_that_is_none_is_refused(method: str, account: Account, people: People) -> None:
    owner = owner_of_groups(people, account)
    path = f"{account.path}/{UNKNOWN_ID[1:]}/children/groups"
    response = owner.api.request(method, path, b"{" if method == "POST" else None)
    assert refusals.bad_id(f"{account.sub_type}_id") == refused(response)


@each_owner
def test_a_deleted_group_is_gone_and_its_name_is_free(account: Account, people: People, child: User) -> None:
    owner = owner_of_groups(people, account)
    group, kept = owner.make(child), owner.make(child)
    for _ in range(2):
        assert nothing(owner.api.delete(owner.path(group["id"])))
        assert refusals.not_there(GROUP) == refused(owner.api.get(owner.path(group["id"])))
        assert refusals.not_there(GROUP) == refused(owner.api.patch(owner.path(group["id"]), {"school_class": "1A"}))
    assert ([kept], 1) == page_of(owner.api.get(owner.path()))
    again = owner.make(child, name=group["name"])
    assert group["id"] != again["id"]
    assert [again, kept] == page_of(owner.api.get(owner.path()))[0]


@each_owner
def test_a_group_is_deleted_many_times_at_once(account: Account, people: People, child: User) -> None:
    owner = owner_of_groups(people, account)
    group = owner.make(child)
    assert {204: 16} == statuses(at_once([partial(owner.api.delete, owner.path(group["id"]))] * 16))
    assert ([], 0) == page_of(owner.api.get(owner.path()))


def permissions(owner: Owner, *children: User) -> list[bool]:
    return [may_read(owner.api, child) for child in children]


@each_owner
def test_a_group_permits_whom_it_holds_from_the_next_request_on(account: Account, people: People, child: User) -> None:
    owner, other = owner_of_groups(people, account), people.child()
    assert [False, False] == permissions(owner, child, other)
    group = owner.path(owner.make(child)["id"])
    assert [True, False] == permissions(owner, child, other)
    shown(owner.api.patch(group, {"children": [child.id, other.id]}))
    assert [True, True] == permissions(owner, child, other)
    shown(owner.api.patch(group, {"children": [{"id": other.id}]}))
    assert [False, True] == permissions(owner, child, other)
    shown(owner.api.patch(group, {"name": unique("group"), "school_class": "3B"}))
    assert [False, True] == permissions(owner, child, other)
    assert nothing(owner.api.delete(group))
    assert [False, False] == permissions(owner, child, other)


@each_owner
@pytest.mark.parametrize("leaves", ["by PATCH", "by DELETE"])
def test_a_child_that_leaves_one_of_two_groups_may_still_be_read(
    leaves: str, account: Account, people: People, child: User
) -> None:
    owner, other = owner_of_groups(people, account), people.child()
    groups = [owner.make(child, other), owner.make(child, other)]
    for group, still in zip(groups, (True, False), strict=True):
        if leaves == "by PATCH":
            shown(owner.api.patch(owner.path(group["id"]), {"children": [other.id]}))
        else:
            assert nothing(owner.api.delete(owner.path(group["id"])))
        assert [still, leaves == "by PATCH" or still] == permissions(owner, child, other)


@each_owner
def test_leaving_the_group_of_one_owner_leaves_the_other_s(account: Account, people: People, child: User) -> None:
    left, kept = owner_of_groups(people, account), owner_of_groups(people, account)
    group = left.make(child)
    kept.make(child)
    assert nothing(left.api.delete(left.path(group["id"])))
    assert ([False], [True]) == (permissions(left, child), permissions(kept, child))


@each_owner
def test_a_group_of_a_removed_owner_permits_nothing_and_does_not_keep_its_children(
    account: Account, people: People, child: User
) -> None:
    owner = owner_of_groups(people, account)
    group = owner.make(child)
    people.remove(owner.user)
    for path in (owner.path(), owner.path(group["id"]), WEIGHT.path(child.id)):
        assert refusals.GONE == refused(owner.api.get(path))
    assert child.body == shown(people.admin.get(f"/v1/children/{child.id}"))
