"""A child that is removed: gone from every answer, group and family; everyone else is as before."""

from collections.abc import Callable
from functools import partial

import httpx
import pytest

from tests.acceptance import refusals
from tests.acceptance.client import (
    UNKNOWN_ID,
    WEIGHT,
    Api,
    Kind,
    User,
    at_once,
    each_kind,
    nothing,
    page_of,
    refused,
    shown,
    statuses,
    whole,
)
from tests.acceptance.groups import each_owner, ids, owner_of_groups
from tests.acceptance.people import CHILD, EDUCATOR, FAMILY, HEALTH_PROFESSIONAL, PASSWORD, Account, People, unique

RELATIVES = [EDUCATOR, HEALTH_PROFESSIONAL, FAMILY]

each_relative = pytest.mark.parametrize("account", RELATIVES, ids=[account.sub_type for account in RELATIVES])


def of_family(family: User) -> str:
    return f"{FAMILY.path}/{family.id}"


def remove(people: People, child: User) -> Callable[[], httpx.Response]:
    return partial(people.admin.delete, f"/v1/users/{child.id}")


def test_a_removed_child_is_in_no_answer_of_the_admin(people: People, child: User) -> None:
    relatives = {account.path: people.related(account, child) for account in RELATIVES}
    for path, relative in relatives.items():
        assert child.id in people.admin.get(f"{path}/{relative.id}").text
    _, before = page_of(people.admin.get(CHILD.path))
    people.remove(child)
    assert refusals.not_there("Child") == refused(people.admin.get(f"{CHILD.path}/{child.id}"))
    children = whole(people.admin, CHILD.path)
    assert before - 1 == len(children)
    assert child.id not in {body["id"] for body in children}
    for account in RELATIVES:
        assert child.id not in str(whole(people.admin, account.path))


@each_kind
def test_measurements_of_a_removed_child_are_in_no_answer(
    kind: Kind, people: People, application: Api, child: User
) -> None:
    other = people.child()
    gone, kept = kind.record(application, child.id), kind.record(application, other.id)
    assert nothing(remove(people, child)())
    relative = people.as_(people.family_of(other))
    for api in (application, people.admin, people.as_(people.create(EDUCATOR)), relative):
        for path in (kind.path(child.id), kind.path(child.id, gone["id"]), kind.path(child.id, UNKNOWN_ID)):
            assert refusals.no_child(child.id) == refused(api.get(path))
    assert refusals.no_child(child.id) == refused(application.delete(kind.path(child.id, gone["id"])))
    assert refusals.no_child(child.id) == refused(application.post(kind.path(child.id), kind.reading()))
    assert [kept] == kind.listed(relative, other.id)
    under_the_other = relative.get(kind.path(other.id, gone["id"]))
    assert refusals.not_found(kind) == refused(under_the_other)
    assert kept == shown(relative.get(kind.path(other.id, kept["id"])))


def test_the_token_and_the_login_of_a_removed_child_are_dead(people: People, anyone: Api, child: User) -> None:
    own = people.as_(child)
    people.remove(child)
    changed = {"old_password": PASSWORD, "new_password": "another one"}
    answers = [
        own.get(f"{CHILD.path}/{child.id}"),
        own.get(WEIGHT.path(child.id)),
        own.post(WEIGHT.path(child.id), WEIGHT.reading()),
        own.put(f"/v1/users/{child.id}/password", changed),
    ]
    assert [refusals.GONE] * 4 == [refused(answer) for answer in answers]
    login = {"username": child.username, "password": PASSWORD}
    assert refusals.BAD_LOGIN == refused(anyone.post("/v1/auth", login))


@each_owner
def test_a_removed_child_leaves_every_group(account: Account, people: People, child: User) -> None:
    owner, other = owner_of_groups(people, account), people.child()
    shared, alone = owner.make(child, other, school_class="3B"), owner.make(child)
    without = owner.make(other)
    people.remove(child)
    groups = [shared | {"children": [other.id]}, alone | {"children": []}, without]
    assert groups == [owner.group(group["id"]) for group in groups]
    assert (groups[::-1], 3) == page_of(owner.api.get(owner.path()))
    assert groups == owner.shown()["children_groups"]
    assert [] == WEIGHT.listed(owner.api, other.id)


@each_owner
def test_a_removed_child_stays_out_of_a_group_that_is_changed(account: Account, people: People, child: User) -> None:
    owner, other = owner_of_groups(people, account), people.child()
    group = owner.make(child, other)
    people.remove(child)
    renamed = group | {"name": "new", "children": [other.id]}
    assert renamed == shown(owner.api.patch(owner.path(group["id"]), {"name": "new"}))
    assert renamed == owner.group(group["id"])
    back = owner.api.patch(owner.path(group["id"]), {"children": [child.id, other.id]})
    assert refusals.no_children(child.id) == refused(back)
    assert renamed == owner.group(group["id"])


def test_a_removed_child_leaves_every_family(people: People, child: User) -> None:
    other = people.child()
    both, alone = people.family_of(child, other), people.family_of(child)
    people.remove(child)
    for family, children in ((both, [other.id]), (alone, [])):
        expected = family.body | {"children": children}
        assert expected == shown(people.admin.get(of_family(family)))
        assert expected == shown(people.as_(family).get(of_family(family)))
    assert [{**alone.body, "children": []}, {**both.body, "children": [other.id]}] == page_of(
        people.admin.get(f"{FAMILY.path}?limit=2")
    )[0]
    assert refusals.no_children(child.id) == refused(people.admin.post(f"{of_family(both)}/children/{child.id}", {}))
    assert nothing(people.admin.delete(f"{of_family(both)}/children/{child.id}"))


@each_relative
def test_the_relatives_of_a_removed_child_keep_the_others(account: Account, people: People, child: User) -> None:
    other = people.child()
    relative = people.family_of(child, other) if account is FAMILY else people.with_group(account, [child, other])
    api = people.as_(relative)
    recorded = WEIGHT.record(people.as_(other), other.id)
    people.remove(child)
    assert refusals.no_child(child.id) == refused(api.get(WEIGHT.path(child.id)))
    assert [recorded] == WEIGHT.listed(api, other.id)
    assert people.as_(relative).token


def test_a_child_that_takes_the_name_of_a_removed_one_has_nothing_of_it(
    people: People, application: Api, child: User
) -> None:
    educator, family = owner_of_groups(people, EDUCATOR), people.family_of(child)
    group = educator.make(child)
    WEIGHT.record(application, child.id)
    people.remove(child)
    heir = people.create(CHILD, username=child.username, password="another one")
    assert child.id != heir.id
    assert [] == WEIGHT.listed(people.as_(heir), heir.id)
    for api in (educator.api, people.as_(family)):
        assert refusals.FORBIDDEN == refused(api.get(WEIGHT.path(heir.id)))
    assert [] == educator.group(group["id"])["children"]
    assert WEIGHT.record(application, heir.id)["child_id"] == heir.id


def test_removing_a_child_many_times_at_once_is_answered_with_204(people: People, child: User) -> None:
    assert {204: 16} == statuses(at_once([remove(people, child)] * 16))


def test_children_removed_at_once_all_leave_one_group_and_one_family(people: People) -> None:
    children, kept = [people.child() for _ in range(8)], people.child()
    family, educator = people.family_of(kept, *children), owner_of_groups(people, EDUCATOR)
    group = educator.make(kept, *children)
    assert {204: 8} == statuses(at_once([remove(people, child) for child in children]))
    assert [kept.id] == shown(people.admin.get(of_family(family)))["children"]
    assert [kept.id] == educator.group(group["id"])["children"]


@each_owner
@pytest.mark.parametrize("by", ["POST", "PATCH"])
@pytest.mark.parametrize("_", range(6))
def test_no_group_holds_a_child_that_is_gone_whoever_comes_first(
    _: int, by: str, account: Account, people: People, child: User
) -> None:
    owner, other = owner_of_groups(people, account), people.child()
    body = {"name": unique("group"), "children": ids(child, other)}
    path = owner.path() if by == "POST" else owner.path(owner.make(other)["id"])
    grouped, removed = at_once([partial(owner.api.send, by, path, body), remove(people, child)])
    assert nothing(removed)
    if grouped.is_success:
        assert [other.id] == owner.group(grouped.json()["id"])["children"]
    else:
        assert refusals.no_children(child.id) == refused(grouped)
    assert child.id not in owner.api.get(owner.path()).text
    assert refusals.no_child(child.id) == refused(owner.api.get(WEIGHT.path(child.id)))


@pytest.mark.parametrize("_", range(6))
def test_no_family_is_registered_with_a_child_that_is_gone(_: int, people: People, child: User) -> None:
    body = people.request(FAMILY, children=[child.id])
    made, removed = at_once([partial(people.admin.post, FAMILY.path, body), remove(people, child)])
    assert nothing(removed)
    if made.status_code == 201:
        assert [] == shown(people.admin.get(f"{FAMILY.path}/{made.json()['id']}"))["children"]
    else:
        assert refusals.no_children(child.id) == refused(made)


@each_kind
@pytest.mark.parametrize("_", range(6))
def test_no_measurement_outlives_its_child(_: int, kind: Kind, people: People, application: Api, child: User) -> None:
    recorded, removed = at_once(
        [partial(application.post, kind.path(child.id), kind.reading()), remove(people, child)],
    )
    assert nothing(removed)
    if recorded.status_code != 201:
        assert refusals.no_child(child.id) == refused(recorded)
    assert refusals.no_child(child.id) == refused(application.get(kind.path(child.id)))
