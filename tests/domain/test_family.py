"""Families: every link and unlink is one event in the stream of the family."""

from msgspec.structs import replace

from domain import family, user
from domain.user import FamilyLinked, FamilyUnlinked, Profile, User
from projections.inline import dedupe_index
from tests.examples import (
    CHILD,
    FAMILY,
    INSTITUTION,
    OTHER_CHILD,
    family_linked,
    family_unlinked,
    password_changed,
    user_registered,
)
from tests.given import Decision, KnownEvents, given

registered = user_registered(
    originator_id=user.stream_of(FAMILY), user_id=FAMILY, role="family", username="Família", profile=Profile()
)


def family_of(known: KnownEvents) -> User:
    there = user.fold(known.history(user.stream_of(FAMILY)))
    assert there is not None, "only a family that is there is linked"
    return there


def link(child_id: str) -> Decision:
    return lambda known: family.link(family_of(known), child_id)


def unlink(child_id: str) -> Decision:
    return lambda known: family.unlink(family_of(known), child_id)


def test_a_family_is_linked_to_a_child() -> None:
    given(registered).when(link(CHILD)).then(family_linked())


def test_a_family_is_linked_to_one_child_after_another() -> None:
    given(registered, family_linked()).when(link(OTHER_CHILD)).then(
        family_linked(originator_version=3, child_id=OTHER_CHILD)
    )


def test_a_family_is_unlinked_from_a_child() -> None:
    given(registered, family_linked()).when(unlink(CHILD)).then(family_unlinked())


def test_a_family_is_unlinked_from_a_child_that_it_was_registered_with() -> None:
    given(replace(registered, children=(CHILD,))).when(unlink(CHILD)).then(family_unlinked(originator_version=2))


def test_a_family_is_linked_again_after_it_was_unlinked() -> None:
    given(registered, family_linked(), family_unlinked()).when(link(CHILD)).then(family_linked(originator_version=4))


def test_a_link_has_the_version_after_the_last_event_of_the_family() -> None:
    changed = password_changed(originator_id=user.stream_of(FAMILY), user_id=FAMILY)
    given(registered, changed).when(link(CHILD)).then(family_linked(originator_version=3))


def test_links_change_only_the_children_of_a_family() -> None:
    def family_of(*children: str, version: int) -> User:
        return User(version, FAMILY, "family", "Família", registered.password_hash, INSTITUTION, Profile(), children)

    assert family_of(CHILD, version=2) == user.fold([registered, family_linked()])
    assert family_of(version=3) == user.fold([registered, family_linked(), family_unlinked()])


def test_links_hold_no_dedupe_keys() -> None:
    """A link is not unique: linking twice changes nothing."""
    rules = dedupe_index.RULES
    assert not {FamilyLinked, FamilyUnlinked} & rules.keys()
