"""Users: their names are unique over all roles until they are removed; passwords change."""

from typing import Any

import pytest
from msgspec.structs import replace

from domain import user
from domain.event import Fact
from domain.partition import ACCOUNTS, stream
from domain.refusal import AlreadyRegistered, PasswordDiffers
from domain.user import TITLES, Profile, User, UserRemoved
from tests.examples import (
    CHILD,
    EDUCATOR,
    FAMILY,
    INSTITUTION,
    OTHER_CHILD,
    family_linked,
    family_unlinked,
    group_formed,
    institution_registered,
    new_id,
    password_changed,
    password_hash_renewed,
    password_reset,
    user_registered,
    user_removed,
)
from tests.given import Decision, KnownEvents, given


def register(**changes: Any) -> Decision:
    members: dict[str, Any] = {
        "user_id": CHILD,
        "role": "child",
        "username": "Ana Maria",
        "password_hash": "$argon2id$v=19$m=64,t=3,p=4$c2FsdA$aGFzaA",
        "institution_id": INSTITUTION,
        "profile": Profile(gender="female", age="8", age_calc_date="2019-06-20"),
        "children": (),
    }
    return lambda known: user.register(**members | changes, known=known)


FIRST, SECOND = user_registered().password_hash, password_changed().password_hash


def there_of(known: KnownEvents, user_id: str) -> User:
    there = user.fold(known.history(user.stream_of(user_id)))
    assert there is not None, "only who is there is changed"
    return there


def remove(user_id: str) -> Decision:
    return lambda known: user.remove(there_of(known, user_id))


def change_password(replaced: str, password_hash: str, user_id: str = CHILD) -> Decision:
    return lambda known: user.change_password(there_of(known, user_id), replaced=replaced, password_hash=password_hash)


def test_a_child_is_registered_among_the_accounts() -> None:
    given().when(register()).then(user_registered())


def test_a_family_is_registered_with_its_children() -> None:
    given().when(register(role="family", profile=Profile(), children=(CHILD, OTHER_CHILD))).then(
        user_registered(role="family", profile=Profile(), children=(CHILD, OTHER_CHILD))
    )


def test_an_admin_needs_no_institution() -> None:
    given().when(register(role="admin", profile=Profile(), institution_id=None)).then(
        user_registered(role="admin", profile=Profile(), institution_id=None)
    )


@pytest.mark.parametrize(("role", "title"), TITLES.items())
def test_user_names_are_unique_over_all_roles_and_the_refusal_names_the_new_role(role: str, title: str) -> None:
    given(user_registered()).when(register(user_id=new_id(), role=role)).refuses(AlreadyRegistered(title))


@pytest.mark.parametrize("username", ["ana maria", "Ana Maria ", " Ana Maria", "Ana  Maria", "Ana Mari\u0061\u0301"])
def test_user_names_are_compared_exactly(username: str) -> None:
    other = new_id()
    given(user_registered()).when(register(user_id=other, username=username)).then(
        user_registered(originator_id=stream(ACCOUNTS, other), user_id=other, username=username)
    )


def test_a_user_may_have_the_name_of_an_institution_or_a_group() -> None:
    given(institution_registered(), group_formed()).when(register(username="Escola Básica")).then(
        user_registered(username="Escola Básica")
    )


def test_a_user_is_removed_once_registered() -> None:
    given(user_registered()).when(remove(CHILD)).then(user_removed())


def test_the_name_of_a_removed_user_is_free() -> None:
    other = new_id()
    given(user_registered(), user_removed()).when(register(user_id=other)).then(
        user_registered(originator_id=stream(ACCOUNTS, other), user_id=other)
    )


def test_the_removal_of_a_user_frees_no_other_name() -> None:
    other = user_registered(originator_id=user.stream_of(OTHER_CHILD), user_id=OTHER_CHILD, username="Rui")
    given(user_registered(), other, user_removed()).when(register(user_id=new_id(), username="Rui")).refuses(
        AlreadyRegistered("Child")
    )


def test_the_removal_of_an_owner_frees_the_names_of_its_groups_only() -> None:
    changes = user.DEDUPE[UserRemoved](user_removed(user_id=EDUCATOR))
    scopes = [getattr(change, "scope", None) for change in changes]
    assert [None, user.groups_scope(EDUCATOR)] == scopes
    assert user.groups_scope(EDUCATOR) != user.groups_scope(OTHER_CHILD)


def test_a_user_does_not_exist_before_the_first_event_and_after_the_removal() -> None:
    assert None is user.fold([])
    assert None is user.fold([user_registered(), user_removed()])


def test_a_user_has_the_members_of_its_registration() -> None:
    said = user_registered()
    expected = User(1, CHILD, "child", "Ana Maria", said.password_hash, said.institution_id, said.profile, ())
    assert expected == user.fold([said])


def test_a_password_is_changed_if_the_old_one_was_right() -> None:
    given(user_registered()).when(change_password(FIRST, SECOND)).then(password_changed())


def test_a_password_that_changed_since_it_was_checked_is_not_changed() -> None:
    given(user_registered(), password_changed()).when(change_password(FIRST, "third")).refuses(
        PasswordDiffers("old_password")
    )


def test_a_changed_password_is_changed_again() -> None:
    given(user_registered(), password_changed()).when(change_password(SECOND, FIRST)).then(
        password_changed(originator_version=3, password_hash=FIRST)
    )


def test_a_password_may_be_changed_to_the_same_hash() -> None:
    given(user_registered()).when(change_password(FIRST, FIRST)).then(password_changed(password_hash=FIRST))


def test_a_change_of_password_leaves_the_name_taken() -> None:
    given(user_registered(), password_changed()).when(register(user_id=new_id())).refuses(AlreadyRegistered("Child"))


def test_a_user_with_a_changed_password_is_removed_with_its_name() -> None:
    other = new_id()
    removed = user_removed(originator_version=3)
    given(user_registered(), password_changed()).when(remove(CHILD)).then(removed)
    given(user_registered(), password_changed(), removed).when(register(user_id=other)).then(
        user_registered(originator_id=stream(ACCOUNTS, other), user_id=other)
    )


def test_a_family_with_links_changes_its_password_and_is_removed() -> None:
    of_family = {"originator_id": stream(ACCOUNTS, FAMILY), "user_id": FAMILY}
    family = user_registered(**of_family, role="family", username="Família", profile=Profile())
    given(family, family_linked(), family_unlinked()).when(change_password(FIRST, SECOND, FAMILY)).then(
        password_changed(**of_family, originator_version=4)
    )
    given(family, family_linked()).when(remove(FAMILY)).then(
        user_removed(**of_family, role="family", username="Família", originator_version=3)
    )


def test_a_user_has_the_last_password_and_the_version_of_the_last_event() -> None:
    changed = [user_registered(), password_changed()]
    (registered, last) = map(user.fold, (changed[:1], changed))
    assert registered is not None
    assert replace(registered, version=2, password_hash=SECOND, password_changes=1) == last
    assert None is user.fold([*changed, user_removed(originator_version=3)])


def test_a_password_is_reset_without_the_old_one() -> None:
    def reset(known: KnownEvents) -> Fact:
        return user.reset_password(there_of(known, CHILD), password_hash=SECOND)

    given(user_registered()).when(reset).then(password_reset())
    given(user_registered(), password_changed()).when(reset).then(password_reset(originator_version=3))


def renew_hash(replaced: str, password_hash: str) -> Decision:
    return lambda known: user.renew_hash(there_of(known, CHILD), replaced=replaced, password_hash=password_hash)


def test_a_renewed_hash_does_not_count_as_a_change_of_the_password() -> None:
    renewed = password_hash_renewed()
    given(user_registered()).when(renew_hash(FIRST, renewed.password_hash)).then(renewed)
    there = user.fold([user_registered(), renewed])
    assert there is not None
    assert (0, renewed.password_hash) == (there.password_changes, there.password_hash)


def test_the_hash_of_a_password_that_was_changed_meanwhile_is_not_renewed() -> None:
    given(user_registered(), password_changed()).when(renew_hash(FIRST, "third")).then()


@pytest.mark.parametrize("changes", [0, 1, 3])
def test_changes_and_resets_of_the_password_are_counted(changes: int) -> None:
    events = [password_changed(), password_reset(originator_version=3), password_changed(originator_version=4)]
    there = user.fold([user_registered(), *events[:changes]])
    assert there is not None
    assert changes == there.password_changes
