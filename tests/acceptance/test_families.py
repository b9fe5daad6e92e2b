"""Ties of families and children: made, shown, taken away, and what they permit from the next request on."""

from functools import partial

import pytest

from tests.acceptance import refusals
from tests.acceptance.client import UNKNOWN_ID, WEIGHT, Api, User, at_once, nothing, refused, shown, statuses
from tests.acceptance.groups import ids
from tests.acceptance.hostile import BAD_IDS
from tests.acceptance.people import ACCOUNTS, CHILD, FAMILY, Account, People

NO_CHILDREN = [account for account in ACCOUNTS if account is not CHILD]
NO_FAMILIES = [account for account in ACCOUNTS if account is not FAMILY]

BODIES = {
    "nothing": b"",
    "an object": b"{}",
    "half an object": b"{",
    "another child": b'{"children": ["0123456789abcdef01234567"]}',
    "no UTF-8": b"\xff",
}


def link(family: User | str, child: User | str) -> str:
    family_id, child_id = (user if isinstance(user, str) else user.id for user in (family, child))
    return f"{FAMILY.path}/{family_id}/children/{child_id}"


def children_of(admin: Api, family: User) -> list[str]:
    children: list[str] = shown(admin.get(f"{FAMILY.path}/{family.id}"))["children"]
    return children


def may_read(api: Api, child: User) -> bool:
    response = api.get(WEIGHT.path(child.id))
    if response.status_code != 200:
        assert refusals.FORBIDDEN == refused(response)
    return response.is_success


def sub_type(account: Account) -> str:
    return account.sub_type


def test_a_new_tie_is_answered_with_the_family(people: People) -> None:
    first, second, third = (people.child() for _ in range(3))
    family = people.family_of(second)
    for child, together in ((third, (second, third)), (first, (first, second, third))):
        expected = family.body | {"children": ids(*together)}
        assert expected == shown(people.admin.request("POST", link(family, child)))
        assert expected == shown(people.admin.get(f"{FAMILY.path}/{family.id}"))
        assert expected == shown(people.as_(family).get(f"{FAMILY.path}/{family.id}"))


def test_a_tie_that_is_there_is_answered_in_the_same_way(people: People, child: User) -> None:
    family = people.family_of(child)
    for _ in range(2):
        assert family.body == shown(people.admin.request("POST", link(family, child)))


@pytest.mark.parametrize("content", BODIES.values(), ids=BODIES.keys())
@pytest.mark.parametrize("content_type", ["application/json", "text/plain"])
def test_the_body_of_a_tie_is_ignored(content: bytes, content_type: str, people: People, child: User) -> None:
    family = people.family_of(people.child())
    response = people.admin.request("POST", link(family, child), content, content_type=content_type)
    assert sorted([*family.body["children"], child.id]) == shown(response)["children"]


def test_ids_of_a_tie_are_taken_in_either_case(people: People, child: User) -> None:
    family = people.family_of(people.child())
    upper = link(family.id.upper(), child.id.upper())
    assert child.id in shown(people.admin.request("POST", upper))["children"]
    assert nothing(people.admin.delete(upper))
    assert family.body["children"] == children_of(people.admin, family)


def test_a_tie_permits_from_the_next_request_on_until_it_is_taken_away(people: People, child: User) -> None:
    other = people.child()
    family = people.family_of(other)
    api = people.as_(family)
    assert not may_read(api, child)
    shown(people.admin.request("POST", link(family, child)))
    assert may_read(api, child)
    WEIGHT.record(api, child.id)
    assert nothing(people.admin.delete(link(family, child)))
    assert not may_read(api, child)
    assert refusals.FORBIDDEN == refused(api.post(WEIGHT.path(child.id), WEIGHT.reading()))
    assert may_read(api, other)


def test_a_tie_that_is_taken_away_is_taken_from_one_family_only(people: People, child: User) -> None:
    left, kept = people.family_of(child), people.family_of(child)
    assert nothing(people.admin.delete(link(left, child)))
    assert ([], [child.id]) == (children_of(people.admin, left), children_of(people.admin, kept))
    assert (False, True) == (may_read(people.as_(left), child), may_read(people.as_(kept), child))


def test_a_tie_can_be_made_again(people: People, child: User) -> None:
    family = people.family_of(child)
    assert nothing(people.admin.delete(link(family, child)))
    assert family.body == shown(people.admin.request("POST", link(family, child)))
    assert may_read(people.as_(family), child)


def test_taking_away_what_is_not_tied_is_answered_with_204(people: People, child: User) -> None:
    family, other = people.family_of(child), people.child()
    strangers = [(family.id, other.id), (family.id, UNKNOWN_ID), (UNKNOWN_ID, child.id), (child.id, family.id)]
    assert all(nothing(people.admin.delete(link(*pair))) for pair in [*strangers, (UNKNOWN_ID, UNKNOWN_ID)])
    assert [child.id] == children_of(people.admin, family)
    assert all(nothing(people.admin.delete(link(family, child))) for _ in range(2))


def test_an_unknown_child_is_tied_to_nobody(people: People, child: User) -> None:
    family = people.family_of(child)
    response = people.admin.request("POST", link(family, UNKNOWN_ID))
    assert refusals.no_children(UNKNOWN_ID) == refused(response)
    assert [child.id] == children_of(people.admin, family)


@pytest.mark.parametrize("account", NO_CHILDREN, ids=sub_type)
def test_only_children_are_tied(account: Account, people: People, child: User) -> None:
    family, user = people.family_of(child), people.someone(account)
    assert refusals.no_children(user.id) == refused(people.admin.request("POST", link(family, user)))
    assert [child.id] == children_of(people.admin, family)


@pytest.mark.parametrize("account", NO_FAMILIES, ids=sub_type)
def test_only_families_have_ties(account: Account, people: People, child: User) -> None:
    user = people.someone(account)
    assert refusals.not_there("Family") == refused(people.admin.request("POST", link(user, child)))


@pytest.mark.parametrize("known", [True, False], ids=["a known child", "an unknown child"])
def test_an_unknown_family_is_reported_before_an_unknown_child(known: bool, people: People, child: User) -> None:
    response = people.admin.request("POST", link(UNKNOWN_ID, child if known else UNKNOWN_ID))
    assert refusals.not_there("Family") == refused(response)


def test_a_removed_family_has_no_ties(people: People, child: User) -> None:
    family = people.family_of(child)
    people.remove(family)
    assert refusals.not_there("Family") == refused(people.admin.request("POST", link(family, child)))
    assert nothing(people.admin.delete(link(family, child)))


@pytest.mark.parametrize("method", ["POST", "DELETE"])
@pytest.mark.parametrize("bad", BAD_IDS.values(), ids=BAD_IDS.keys())
def test_an_id_that_is_none_is_refused(bad: str, method: str, admin: Api) -> None:
    assert refusals.bad_id("family_id") == refused(admin.request(method, link(bad, UNKNOWN_ID)))
    assert refusals.bad_id("child_id") == refused(admin.request(method, link(UNKNOWN_ID, bad)))


def test_linking_the_same_child_many_times_concurrently_links_it_once(people: People, child: User) -> None:
    family = people.family_of(people.child())
    expected = family.body | {"children": sorted([*family.body["children"], child.id])}
    answers = at_once([partial(people.admin.request, "POST", link(family, child))] * 16)
    assert [expected] * 16 == [shown(answer) for answer in answers]
    assert nothing(people.admin.delete(link(family, child)))
    assert family.body["children"] == children_of(people.admin, family)


def test_children_linked_to_a_family_concurrently_all_stay_linked(people: People) -> None:
    children = [people.child() for _ in range(17)]
    family = people.family_of(children[0])
    calls = [partial(people.admin.request, "POST", link(family, child)) for child in children[1:]]
    assert {200: 16} == statuses(at_once(calls))
    assert ids(*children) == children_of(people.admin, family)


def test_ties_made_and_taken_away_at_once_touch_only_their_own(people: People) -> None:
    old, new = [people.child() for _ in range(8)], [people.child() for _ in range(8)]
    family = people.family_of(*old)
    made = [partial(people.admin.request, "POST", link(family, child)) for child in new]
    taken = [partial(people.admin.delete, link(family, child)) for child in old]
    assert {200: 8, 204: 8} == statuses(at_once([*made, *taken]))
    assert ids(*new) == children_of(people.admin, family)


@pytest.mark.parametrize("_", range(8))
def test_no_tie_of_a_child_that_is_gone_is_left_whoever_comes_first(_: int, people: People, child: User) -> None:
    family = people.family_of(people.child())
    linked, removed = at_once(
        [
            partial(people.admin.request, "POST", link(family, child)),
            partial(people.admin.delete, f"/v1/users/{child.id}"),
        ]
    )
    assert nothing(removed)
    if linked.status_code == 200:
        assert family.body == {**shown(linked), "children": sorted({*shown(linked)["children"]} - {child.id})}
    else:
        assert refusals.no_children(child.id) == refused(linked)
    assert family.body["children"] == children_of(people.admin, family)
    assert refusals.no_child(child.id) == refused(people.as_(family).get(WEIGHT.path(child.id)))
