"""PATCH of a group: what changes, what stays, what is refused."""

from functools import partial
from typing import Any

import pytest

from tests.acceptance import refusals
from tests.acceptance.client import UNKNOWN_ID, WEIGHT, Body, User, at_once, nothing, page_of, refused, shown, statuses
from tests.acceptance.groups import GROUP, Owner, each_owner, ids, owner_of_groups
from tests.acceptance.hostile import ARRAYS, BAD_CHILDREN, BAD_TEXTS, UNKNOWN_CHILDREN, UNREADABLE, bad_text_of
from tests.acceptance.people import ACCOUNTS, CHILD, Account, People, unique

TOGETHER = 16

CHANGES: dict[str, Body] = {
    "a name": {"name": "new"},
    "a school class": {"school_class": "4C"},
    "both": {"name": "new", "school_class": "4C"},
    "its own name": {"name": "old"},
    "nothing": {},
    "a name beyond ASCII": {"name": " \U0001f600 \u2028 Ünï'; drop table groups; -- "},
}

IGNORED: Body = {"id": UNKNOWN_ID, "owner": "x", "educator_id": UNKNOWN_ID, "\x00": None, "x": "\ud800", "": 5}

BAD_MEMBERS = [
    *(("name", value, said) for said, value in BAD_TEXTS),
    ("name", "", "must have at least one character!"),
    *(("school_class", value, said) for said, value in BAD_TEXTS if value is not None),
]


def grouped(people: People, account: Account, *children: User) -> tuple[Owner, Body]:
    """An owner with one group, `old` of class 3B."""
    owner = owner_of_groups(people, account)
    return owner, owner.make(*children, name="old", school_class="3B")


def patch(owner: Owner, group: Body, body: Any) -> Body:
    return shown(owner.api.patch(owner.path(group["id"]), body))


@each_owner
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_group_takes_any_of_its_members(change: Body, account: Account, people: People, child: User) -> None:
    owner, group = grouped(people, account, child)
    expected = group | change
    assert expected == patch(owner, group, change | IGNORED)
    assert expected == owner.group(group["id"])
    assert [expected] == page_of(owner.api.get(owner.path()))[0]
    assert [expected] == owner.shown()["children_groups"]


@each_owner
def test_the_children_of_a_group_are_replaced(account: Account, people: People) -> None:
    first, second, third = (people.child() for _ in range(3))
    owner, group = grouped(people, account, first, second)
    sent = [third.id, {"id": second.id.upper(), "name": "x"}, {"id": third.id}, second.id]
    expected = group | {"children": ids(second, third)}
    assert expected == patch(owner, group, {"children": sent})
    assert expected == owner.group(group["id"])


@each_owner
def test_a_group_may_be_left_without_children(account: Account, people: People, child: User) -> None:
    owner, group = grouped(people, account, child)
    assert group | {"children": []} == patch(owner, group, {"children": []})
    assert group | {"children": []} == owner.group(group["id"])


@each_owner
def test_a_school_class_is_taken_away_by_null(account: Account, people: People, child: User) -> None:
    owner, group = grouped(people, account, child)
    expected = {"id": group["id"], "name": "old", "children": [child.id]}
    for _ in range(2):
        assert expected == patch(owner, group, {"school_class": None})
        assert expected == owner.group(group["id"])
    assert group == patch(owner, group, {"school_class": "3B"})


@each_owner
def test_a_patch_without_any_body_is_unreadable(account: Account, people: People, child: User) -> None:
    owner, group = grouped(people, account, child)
    assert refusals.UNREADABLE == refused(owner.api.request("PATCH", owner.path(group["id"])))


@each_owner
@pytest.mark.parametrize(("member", "value", "said"), BAD_MEMBERS, ids=ascii)
def test_a_bad_member_changes_nothing(
    member: str, value: Any, said: str, account: Account, people: People, child: User
) -> None:
    owner, group = grouped(people, account, child)
    body = {"name": "new", "school_class": "4C", "children": [people.child().id]} | {member: value}
    assert bad_text_of(member, said) == refused(owner.api.patch(owner.path(group["id"]), body))
    assert group == owner.group(group["id"])


@each_owner
@pytest.mark.parametrize("children", BAD_CHILDREN, ids=ascii)
def test_children_that_are_no_ids_change_nothing(children: Any, account: Account, people: People, child: User) -> None:
    owner, group = grouped(people, account, child)
    body = {"name": "new", "school_class": "4C", "children": children}
    answer = refused(owner.api.patch(owner.path(group["id"]), body))
    assert refusals.fields(answer["description"]) == answer
    assert answer["description"].startswith("children ")
    assert group == owner.group(group["id"])


@each_owner
def test_unknown_children_change_nothing(account: Account, people: People, child: User) -> None:
    owner, group = grouped(people, account, child)
    users = [people.someone(other) for other in ACCOUNTS if other is not CHILD]
    for unknown in (*UNKNOWN_CHILDREN, group["id"], *(user.id for user in users)):
        body = {"name": "new", "children": [child.id, unknown]}
        assert refusals.no_children(unknown) == refused(owner.api.patch(owner.path(group["id"]), body))
    assert group == owner.group(group["id"])
    assert "new" == owner.make(child, name="new")["name"]


@each_owner
@pytest.mark.parametrize("content", [*UNREADABLE, *ARRAYS], ids=lambda content: ascii(content)[:20])
def test_a_group_change_that_is_not_a_json_object_changes_nothing(
    content: bytes, account: Account, people: People, child: User
) -> None:
    owner, group = grouped(people, account, child)
    response = owner.api.request("PATCH", owner.path(group["id"]), content, content_type="application/json")
    assert refusals.UNREADABLE == refused(response)
    assert group == owner.group(group["id"])


@each_owner
def test_the_name_of_another_group_of_the_owner_is_taken(account: Account, people: People, child: User) -> None:
    owner, group = grouped(people, account, child)
    owner.make(child, name="taken")
    body = {"name": "taken", "school_class": "4C", "children": [people.child().id]}
    assert refusals.already_registered(GROUP) == refused(owner.api.patch(owner.path(group["id"]), body))
    assert group == owner.group(group["id"])


@each_owner
def test_the_name_of_a_group_of_another_owner_is_free(account: Account, people: People, child: User) -> None:
    owner, group = grouped(people, account, child)
    other = owner_of_groups(people, account)
    other.make(child, name="theirs")
    assert "theirs" == patch(owner, group, {"name": "theirs"})["name"]


@each_owner
def test_a_new_name_frees_the_old_one(account: Account, people: People, child: User) -> None:
    owner, first = grouped(people, account, child)
    patch(owner, first, {"name": "new"})
    second = owner.make(child, name="old")
    assert refusals.already_registered(GROUP) == refused(
        owner.api.post(owner.path(), {"name": "new", "children": [child.id]})
    )
    patch(owner, first, {"name": "newer"})
    assert "new" == patch(owner, second, {"name": "new"})["name"]
    assert {"newer", "new"} == {group["name"] for group in owner.shown()["children_groups"]}


@each_owner
def test_exactly_one_of_many_groups_takes_a_name_at_once(account: Account, people: People, child: User) -> None:
    owner = owner_of_groups(people, account)
    groups = [owner.make(child) for _ in range(TOGETHER)]
    answers = at_once([partial(owner.api.patch, owner.path(group["id"]), {"name": "one"}) for group in groups])
    assert {200: 1, 409: TOGETHER - 1} == statuses(answers)
    duplicates = [refused(answer) for answer in answers if answer.status_code == 409]
    assert [refusals.already_registered(GROUP)] * (TOGETHER - 1) == duplicates
    winner = next(shown(answer) for answer in answers if answer.status_code == 200)
    expected = [winner if group["id"] == winner["id"] else group for group in groups]
    assert expected == owner.shown()["children_groups"]


@each_owner
def test_exactly_one_of_a_renamed_and_many_new_groups_takes_a_name_at_once(
    account: Account, people: People, child: User
) -> None:
    owner, group = grouped(people, account, child)
    renamed = partial(owner.api.patch, owner.path(group["id"]), {"name": "one"})
    made = partial(owner.api.post, owner.path(), {"name": "one", "children": [child.id]})
    answers = at_once([renamed, *[made] * 7])
    assert [409] * 7 == [answer.status_code for answer in answers if not answer.is_success]
    assert 1 == [shown["name"] for shown in owner.shown()["children_groups"]].count("one")


@each_owner
def test_a_group_accepts_the_same_change_many_times_concurrently(account: Account, people: People, child: User) -> None:
    owner, group = grouped(people, account, child)
    change = {"name": "new", "children": [people.child().id]}
    answers = at_once([partial(owner.api.patch, owner.path(group["id"]), change)] * TOGETHER)
    assert [group | change] * TOGETHER == [shown(answer) for answer in answers]
    assert nothing(owner.api.delete(owner.path(group["id"])))
    assert "new" == owner.make(child, name="new")["name"]


@each_owner
def test_concurrent_changes_of_different_members_of_a_group_all_take_effect(
    account: Account, people: People, child: User
) -> None:
    owner, group = grouped(people, account, child)
    changes: list[Body] = [{"name": "new"}, {"school_class": "4C"}, {"children": ids(child, people.child())}]
    answers = at_once([partial(owner.api.patch, owner.path(group["id"]), change) for change in changes])
    assert {200: 3} == statuses(answers)
    assert group | changes[0] | changes[1] | changes[2] == owner.group(group["id"])


@each_owner
def test_a_child_of_another_institution_is_put_into_no_group(account: Account, people: People, child: User) -> None:
    owner, group = grouped(people, account, child)
    elsewhere = elsewhere_of(people)
    stranger = elsewhere.child()
    own = people.child()
    for body in ([stranger.id], [own.id, stranger.id, child.id]):
        formed = owner.api.post(owner.path(), {"name": "with a stranger", "children": body})
        revised = owner.api.patch(owner.path(group["id"]), {"children": body})
        assert [refusals.no_children(stranger.id)] * 2 == [refused(formed), refused(revised)]
    assert group == owner.group(group["id"])
    assert [group] == page_of(owner.api.get(owner.path()))[0]
    assert refusals.FORBIDDEN == refused(owner.api.get(WEIGHT.path(stranger.id)))


def elsewhere_of(people: People) -> People:
    """The same admin in another institution."""
    made = people.admin.post("/v1/institutions", {"type": "school", "name": unique("school")})
    return People(people.admin, made.json()["id"])
