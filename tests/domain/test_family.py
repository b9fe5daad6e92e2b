"""Families: every tie, and the end of it, is one fact of the family's own stream."""

from msgspec.structs import replace

from domain import family, user
from domain.user import FamilyTied, FamilyUntied, Profile, User
from projections.inline import dedupe_index
from tests.examples import (
    CHILD,
    FAMILY,
    INSTITUTION,
    OTHER_CHILD,
    family_tied,
    family_untied,
    origin,
    password_changed,
    user_registered,
)
from tests.given import Decision, Facts, given

registered = user_registered(
    originator_id=user.stream_of(FAMILY), user_id=FAMILY, role="family", username="Família", profile=Profile()
)


def family_of(known: Facts) -> User:
    there = user.fold(known.history(user.stream_of(FAMILY)))
    assert there is not None, "only a family that is there is tied"
    return there


def tie(child_id: str) -> Decision:
    return lambda known: family.tie(family_of(known), child_id, origin=origin(), cause="tie_child")


def untie(child_id: str) -> Decision:
    return lambda known: family.untie(family_of(known), child_id, origin=origin(), cause="untie_child")


def test_a_family_is_tied_to_a_child() -> None:
    given(registered).when(tie(CHILD)).then(family_tied())


def test_a_family_is_tied_to_one_child_after_another() -> None:
    given(registered, family_tied()).when(tie(OTHER_CHILD)).then(
        family_tied(originator_version=3, child_id=OTHER_CHILD)
    )


def test_a_family_is_untied_from_a_child() -> None:
    given(registered, family_tied()).when(untie(CHILD)).then(family_untied())


def test_a_family_is_untied_from_a_child_that_it_was_registered_with() -> None:
    given(replace(registered, children=(CHILD,))).when(untie(CHILD)).then(family_untied(originator_version=2))


def test_a_family_that_was_untied_is_tied_again() -> None:
    given(registered, family_tied(), family_untied()).when(tie(CHILD)).then(family_tied(originator_version=4))


def test_a_tie_follows_whatever_happened_to_the_family_before() -> None:
    changed = password_changed(originator_id=user.stream_of(FAMILY), user_id=FAMILY)
    given(registered, changed).when(tie(CHILD)).then(family_tied(originator_version=3))


def test_ties_leave_what_a_family_is_but_for_its_children() -> None:
    def family_of(*children: str, version: int) -> User:
        return User(version, FAMILY, "family", "Família", registered.password_hash, INSTITUTION, Profile(), children)

    assert family_of(CHILD, version=2) == user.fold([registered, family_tied()])
    assert family_of(version=3) == user.fold([registered, family_tied(), family_untied()])


def test_ties_take_no_names() -> None:
    """Nothing of them is unique: the fact is the same whoever says it again."""
    rules = dedupe_index.RULES
    assert not {FamilyTied, FamilyUntied} & rules.keys()
