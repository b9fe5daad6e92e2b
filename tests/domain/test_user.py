"""Users: one of a name over all roles, and free again when its user is removed."""

from typing import Any

import pytest

from domain import user
from domain.partition import ACCOUNTS, stream
from domain.refusal import AlreadyRegistered
from domain.user import TITLES, Profile, User, UserRemoved
from tests.examples import (
    CHILD,
    EDUCATOR,
    INSTITUTION,
    OTHER_CHILD,
    group_formed,
    institution_registered,
    new_id,
    origin,
    user_registered,
    user_removed,
)
from tests.given import Decision, Facts, given


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
    return lambda known: user.register(**members | changes, known=known, origin=origin(), cause="register_user")


def remove(user_id: str) -> Decision:
    def decide(known: Facts) -> user.UserRemoved:
        there = user.fold(known.history(user.stream_of(user_id)))
        assert there is not None, "only who is there is removed"
        return user.remove(there, origin=origin(), cause="remove_user")

    return decide


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
def test_a_name_is_taken_over_all_roles_and_the_refusal_names_the_role_that_was_posted(role: str, title: str) -> None:
    given(user_registered()).when(register(user_id=new_id(), role=role)).refuses(AlreadyRegistered(title))


@pytest.mark.parametrize("username", ["ana maria", "Ana Maria ", " Ana Maria", "Ana  Maria", "Ana Mari\u0061\u0301"])
def test_names_are_compared_exactly(username: str) -> None:
    other = new_id()
    given(user_registered()).when(register(user_id=other, username=username)).then(
        user_registered(originator_id=stream(ACCOUNTS, other), user_id=other, username=username)
    )


def test_a_user_may_be_called_like_an_institution_or_a_group() -> None:
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


def test_the_name_of_another_user_stays_taken() -> None:
    other = user_registered(originator_id=user.stream_of(OTHER_CHILD), user_id=OTHER_CHILD, username="Rui")
    given(user_registered(), other, user_removed()).when(register(user_id=new_id(), username="Rui")).refuses(
        AlreadyRegistered("Child")
    )


def test_removing_an_owner_gives_up_the_names_of_all_its_groups_and_of_no_others() -> None:
    changes = user.DEDUPE[UserRemoved](user_removed(user_id=EDUCATOR))
    scopes = [getattr(change, "scope", None) for change in changes]
    assert [None, user.groups_scope(EDUCATOR)] == scopes
    assert user.groups_scope(EDUCATOR) != user.groups_scope(OTHER_CHILD)


def test_nobody_is_there_before_the_first_event_and_after_the_removal() -> None:
    assert None is user.fold([])
    assert None is user.fold([user_registered(), user_removed()])


def test_a_user_is_who_it_was_registered_as() -> None:
    assert User(1, CHILD, "child", "Ana Maria") == user.fold([user_registered()])
