"""GET of the five collections of users, and of one user."""

import jwt
import pytest

from tests.acceptance import refusals
from tests.acceptance.client import UNKNOWN_ID, Api, Body, User, nothing, page_of, refused, shown, whole
from tests.acceptance.groups import Owner, each_owner, ids, owner_of_groups
from tests.acceptance.hostile import BAD_IDS
from tests.acceptance.people import (
    ACCOUNTS,
    APPLICATION,
    CHILD,
    EDUCATOR,
    FAMILY,
    HEALTH_PROFESSIONAL,
    Account,
    People,
)

MEMBERS = {
    CHILD: {"gender", "age", "age_calc_date"},
    EDUCATOR: {"children_groups"},
    HEALTH_PROFESSIONAL: {"children_groups"},
    APPLICATION: {"application_name"},
    FAMILY: {"children"},
}
OTHERS = [(account, other) for account in ACCOUNTS for other in ACCOUNTS if other is not account]

each_account = pytest.mark.parametrize("account", ACCOUNTS, ids=[account.sub_type for account in ACCOUNTS])


def one(account: Account, user: User | str) -> str:
    return f"{account.path}/{user if isinstance(user, str) else user.id}"


def listed(admin: Api, account: Account) -> list[Body]:
    return whole(admin, account.path)


def admin_id(admin: Api) -> str:
    assert admin.token
    return str(jwt.decode(admin.token, options={"verify_signature": False})["sub"])


@each_account
def test_a_user_is_shown_as_it_was_registered(account: Account, people: People) -> None:
    user = people.someone(account)
    assert {"id", "username", "institution_id"} | MEMBERS[account] == user.body.keys()
    assert user.body == shown(people.admin.get(one(account, user)))


@each_account
def test_a_user_sees_itself_as_the_admin_does(account: Account, people: People) -> None:
    user = people.someone(account)
    assert user.body == shown(people.as_(user).get(one(account, user)))


@each_account
def test_a_user_is_found_by_its_id_in_either_case(account: Account, people: People) -> None:
    user = people.someone(account)
    for api in (people.admin, people.as_(user)):
        assert user.body == shown(api.get(one(account, user.id.upper())))


@each_account
def test_the_list_begins_with_the_latest_and_counts_all(account: Account, people: People) -> None:
    _, before = page_of(people.admin.get(account.path))
    made = [people.someone(account) for _ in range(3)]
    users, after = page_of(people.admin.get(f"{account.path}?limit=3"))
    assert ([user.body for user in made[::-1]], before + 3) == (users, after)


@each_account
def test_a_removed_user_is_in_no_answer(account: Account, people: People) -> None:
    user, neighbour = people.someone(account), people.someone(account)
    _, before = page_of(people.admin.get(account.path))
    people.remove(user)
    users, after = page_of(people.admin.get(f"{account.path}?limit=1"))
    assert ([neighbour.body], before - 1) == (users, after)
    assert user.id not in {body["id"] for body in listed(people.admin, account)}
    assert refusals.not_there(account.name) == refused(people.admin.get(one(account, user)))


@each_account
def test_a_user_who_never_was_is_not_found(account: Account, people: People) -> None:
    assert refusals.not_there(account.name) == refused(people.admin.get(one(account, UNKNOWN_ID)))


@pytest.mark.parametrize(
    ("account", "other"), OTHERS, ids=[f"{account.sub_type} as {other.sub_type}" for account, other in OTHERS]
)
def test_a_user_is_in_its_own_collection_only(account: Account, other: Account, people: People) -> None:
    user = people.someone(account)
    assert refusals.not_there(other.name) == refused(people.admin.get(one(other, user)))
    assert user.id not in {body["id"] for body in listed(people.admin, other)}


@pytest.mark.parametrize(
    ("account", "other"), OTHERS, ids=[f"{account.sub_type} as {other.sub_type}" for account, other in OTHERS]
)
def test_a_user_sees_itself_in_its_own_collection_only(account: Account, other: Account, people: People) -> None:
    user = people.someone(account)
    assert refusals.FORBIDDEN == refused(people.as_(user).get(one(other, user)))


@each_account
def test_the_admin_is_in_no_collection(account: Account, admin: Api) -> None:
    own = admin_id(admin)
    assert refusals.not_there(account.name) == refused(admin.get(one(account, own)))
    assert own not in {body["id"] for body in listed(admin, account)}


@each_account
@pytest.mark.parametrize("bad", BAD_IDS.values(), ids=BAD_IDS.keys())
def test_an_id_that_is_none_is_refused(bad: str, account: Account, people: People) -> None:
    assert refusals.bad_id(f"{account.sub_type}_id") == refused(people.admin.get(one(account, bad)))


@each_account
def test_an_id_that_is_none_is_refused_before_another_s_is(account: Account, people: People) -> None:
    user, other = people.someone(account), people.someone(account)
    api = people.as_(user)
    assert refusals.bad_id(f"{account.sub_type}_id") == refused(api.get(one(account, "x")))
    assert refusals.FORBIDDEN == refused(api.get(one(account, other)))
    assert refusals.FORBIDDEN == refused(api.get(one(account, UNKNOWN_ID)))


@each_account
def test_a_removed_user_does_not_see_itself(account: Account, people: People) -> None:
    user = people.someone(account)
    api = people.as_(user)
    people.remove(user)
    assert refusals.GONE == refused(api.get(one(account, user)))


@pytest.mark.parametrize(("sent", "age"), [(11, "11"), ("12", "12"), (7.5, "7.5"), (1, "1")], ids=repr)
def test_the_age_of_a_child_is_shown_as_text(sent: object, age: str, people: People) -> None:
    child = people.create(CHILD, age=sent, gender="male", age_calc_date="2019-06-20")
    expected = {
        "id": child.id,
        "username": child.username,
        "institution_id": people.institution_id,
        "gender": "male",
        "age": age,
        "age_calc_date": "2019-06-20",
    }
    assert expected == shown(people.admin.get(one(CHILD, child)))


@each_owner
def test_the_groups_of_an_owner_are_shown_oldest_first(account: Account, people: People, child: User) -> None:
    owner = owner_of_groups(people, account)
    groups = [owner.make(child, name=name) for name in ("b", "a", "c")]
    groups.append(owner.make(child, people.child(), name="with a class", school_class="3B"))
    assert owner.user.body | {"children_groups": groups} == owner.shown()
    assert owner.shown() == shown(people.admin.get(one(account, owner.user)))
    assert owner.shown() == listed(people.admin, account)[0]


@each_owner
def test_the_groups_of_an_owner_follow_their_changes(account: Account, people: People, child: User) -> None:
    owner = owner_of_groups(people, account)
    first, second, third = (owner.make(child, name=name, school_class="1A") for name in ("a", "b", "c"))
    shown(owner.api.patch(owner.path(first["id"]), {"name": "d", "school_class": None}))
    assert nothing(owner.api.delete(owner.path(second["id"])))
    expected = [{"id": first["id"], "name": "d", "children": [child.id]}, third]
    assert expected == owner.shown()["children_groups"]
    assert expected == listed(people.admin, account)[0]["children_groups"]


@each_owner
def test_an_owner_has_no_group_of_another(account: Account, people: People, child: User) -> None:
    owners: list[Owner] = [owner_of_groups(people, account) for _ in range(2)]
    groups = [owner.make(child, name="the same") for owner in owners]
    assert [[group] for group in groups] == [owner.shown()["children_groups"] for owner in owners]


def test_the_children_of_a_family_are_shown_once_each_and_in_order(people: People) -> None:
    children = [people.child() for _ in range(4)]
    sent = [child.id for child in children[::-1]] + [children[2].id, children[0].id.upper()]
    family = people.create(FAMILY, children=sent)
    assert ids(*children) == family.body["children"]
    assert family.body == shown(people.admin.get(one(FAMILY, family)))
