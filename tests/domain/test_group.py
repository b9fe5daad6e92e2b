"""Groups: their names are unique per owner."""

from typing import Any

from domain import group
from domain.partition import ACCOUNTS, stream
from domain.refusal import AlreadyRegistered
from tests.examples import (
    CHILD,
    EDUCATOR,
    GROUP,
    OTHER_CHILD,
    group_formed,
    user_registered,
    user_removed,
)
from tests.given import Decision, given

NEXT = "5a62be07de34500146d9c599"
another = {"originator_id": stream(ACCOUNTS, NEXT), "group_id": NEXT}


def form(**changes: Any) -> Decision:
    members: dict[str, Any] = {
        "group_id": GROUP,
        "owner_id": EDUCATOR,
        "name": "4.º B",
        "children": (CHILD, OTHER_CHILD),
        "school_class": "4B",
    }
    return lambda known: group.form(**members | changes, known=known)


def test_a_group_is_formed_among_the_accounts() -> None:
    given().when(form()).then(group_formed())


def test_a_group_may_have_no_children_and_no_class() -> None:
    given().when(form(children=(), school_class=None)).then(group_formed(children=(), school_class=None))


def test_an_owner_has_one_group_of_a_name() -> None:
    given(group_formed()).when(form(group_id=NEXT, children=())).refuses(AlreadyRegistered("Children Group"))


def test_groups_of_two_owners_may_have_the_same_name() -> None:
    given(group_formed()).when(form(group_id=NEXT, owner_id=NEXT)).then(group_formed(**another, owner_id=NEXT))


def test_names_of_groups_are_compared_exactly() -> None:
    given(group_formed()).when(form(group_id=NEXT, name="4.º b")).then(group_formed(**another, name="4.º b"))


def test_the_names_of_a_removed_owner_are_free() -> None:
    owner = {"originator_id": stream(ACCOUNTS, EDUCATOR), "user_id": EDUCATOR, "role": "educator", "username": "Eva"}
    given(user_registered(**owner), group_formed(), user_removed(**owner)).when(form(group_id=NEXT)).then(
        group_formed(**another)
    )


def test_the_removal_of_a_child_leaves_the_names_of_the_groups_that_it_was_in() -> None:
    given(user_registered(), group_formed(), user_removed()).when(form(group_id=NEXT)).refuses(
        AlreadyRegistered("Children Group")
    )
