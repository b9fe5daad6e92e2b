"""Groups are renamed, revised and disbanded; their former names become free."""

from typing import Any

from domain import group
from domain.event import Fact
from domain.group import Group
from domain.partition import ACCOUNTS, stream
from domain.refusal import AlreadyRegistered
from tests.domain.test_group import NEXT, another, form
from tests.examples import (
    CHILD,
    EDUCATOR,
    GROUP,
    OTHER_CHILD,
    group_disbanded,
    group_formed,
    group_revised,
    user_registered,
    user_removed,
)
from tests.given import Decision, KnownEvents, given


def there_of(known: KnownEvents, group_id: str) -> Group:
    there = group.fold(known.history(group.stream_of(group_id)))
    assert there is not None, "only a group that is there is changed"
    return there


def revise(group_id: str = GROUP, **changes: Any) -> Decision:
    """Revise a group in these members only."""

    def decide(known: KnownEvents) -> list[Fact]:
        there = there_of(known, group_id)
        members: dict[str, Any] = {
            "name": there.name,
            "children": there.children,
            "school_class": there.school_class,
        }
        return group.revise(there, **members | changes, known=known)

    return decide


def disband(group_id: str = GROUP) -> Decision:
    return lambda known: group.disband(there_of(known, group_id))


def test_a_group_is_revised_as_a_whole() -> None:
    given(group_formed()).when(revise(name="5.º B", children=(CHILD,), school_class="5B")).then(group_revised())


def test_a_revision_of_a_group_has_unchanged_members_too() -> None:
    formed = group_formed()
    same = {"name": formed.name, "children": formed.children, "school_class": formed.school_class}
    given(formed).when(revise(name="x")).then(group_revised(**same | {"name": "x"}))
    given(formed).when(revise(children=())).then(group_revised(**same | {"children": ()}))
    given(formed).when(revise(school_class=None)).then(group_revised(**same | {"school_class": None}))


def test_a_revision_of_a_group_that_changes_nothing_is_no_event() -> None:
    given(group_formed()).when(revise()).then()
    given(group_formed(), group_revised()).when(revise(name="5.º B", children=(CHILD,), school_class="5B")).then()


def test_a_group_is_revised_back_to_its_former_members() -> None:
    given(group_formed(), group_revised()).when(
        revise(name="4.º B", children=(CHILD, OTHER_CHILD), school_class="4B")
    ).then(
        group_revised(
            originator_version=3,
            name="4.º B",
            children=(CHILD, OTHER_CHILD),
            school_class="4B",
            former_name="5.º B",
        )
    )


def test_a_group_keeps_its_name_while_something_else_of_it_changes() -> None:
    given(group_formed()).when(revise(school_class="5B")).then(
        group_revised(name="4.º B", children=(CHILD, OTHER_CHILD))
    )
    kept = group_revised(name="4.º B")
    given(group_formed(), kept).when(form(group_id=NEXT)).refuses(AlreadyRegistered("Children Group"))


def test_the_former_name_of_a_renamed_group_is_free() -> None:
    given(group_formed(), group_revised()).when(form(group_id=NEXT)).then(group_formed(**another))


def test_the_new_name_of_a_renamed_group_is_taken() -> None:
    given(group_formed(), group_revised()).when(form(group_id=NEXT, name="5.º B")).refuses(
        AlreadyRegistered("Children Group")
    )


def test_a_group_cannot_be_renamed_to_the_name_of_another_of_its_owner() -> None:
    other = group_formed(**another, name="5.º B")
    given(group_formed(), other).when(revise(name="5.º B")).refuses(AlreadyRegistered("Children Group"))
    given(group_formed(), other).when(revise(NEXT, name="4.º B")).refuses(AlreadyRegistered("Children Group"))


def test_a_group_may_be_renamed_to_the_name_of_a_group_of_another_owner() -> None:
    other = group_formed(**another, name="5.º B", owner_id=NEXT)
    given(group_formed(), other).when(revise(name="5.º B")).then(
        group_revised(children=(CHILD, OTHER_CHILD), school_class="4B")
    )


def test_two_groups_exchange_their_names_by_way_of_a_third_name() -> None:
    other = group_formed(**another, name="b")
    parked = group_revised(name="c")
    swapped = group_revised(**another, name="4.º B", former_name="b")
    given(group_formed(), other, parked, swapped).when(revise(name="b")).then(
        group_revised(originator_version=3, name="b", former_name="c")
    )
    given(group_formed(), other, parked, swapped).when(revise(name="4.º B")).refuses(
        AlreadyRegistered("Children Group")
    )


def test_the_name_of_a_revised_group_is_free_once_its_owner_is_removed() -> None:
    owner = {"originator_id": stream(ACCOUNTS, EDUCATOR), "user_id": EDUCATOR, "role": "educator", "username": "Eva"}
    given(user_registered(**owner), group_formed(), group_revised(), user_removed(**owner)).when(
        form(group_id=NEXT, name="5.º B")
    ).then(group_formed(**another, name="5.º B"))


def test_a_group_is_disbanded_once_formed() -> None:
    given(group_formed()).when(disband()).then(group_disbanded())


def test_a_group_is_disbanded_under_its_last_name() -> None:
    given(group_formed(), group_revised()).when(disband()).then(group_disbanded(originator_version=3, name="5.º B"))


def test_the_names_that_a_disbanded_group_ever_had_are_free() -> None:
    ended = group_disbanded(originator_version=3, name="5.º B")
    for name in ("4.º B", "5.º B"):
        given(group_formed(), group_revised(), ended).when(form(group_id=NEXT, name=name)).then(
            group_formed(**another, name=name)
        )


def test_the_end_of_a_group_does_not_free_a_name_that_another_group_has_taken() -> None:
    later = group_formed(**another)
    ended = group_disbanded(originator_version=3, name="5.º B")
    given(group_formed(), group_revised(), later, ended).when(form(group_id=OTHER_CHILD)).refuses(
        AlreadyRegistered("Children Group")
    )


def test_a_group_has_the_members_of_its_last_event() -> None:
    formed, revised = group_formed(), group_revised()
    assert Group(1, GROUP, EDUCATOR, "4.º B", (CHILD, OTHER_CHILD), "4B") == group.fold([formed])
    assert Group(2, GROUP, EDUCATOR, "5.º B", (CHILD,), "5B") == group.fold([formed, revised])


def test_a_group_does_not_exist_before_its_first_and_after_its_last_event() -> None:
    assert None is group.fold([])
    assert None is group.fold([group_formed(), group_disbanded()])
    assert None is group.fold([group_formed(), group_revised(), group_disbanded(originator_version=3)])
