"""Lookups of links of groups and families to children, within a batch and in the next."""

from msgspec.structs import replace

from application.ports import Reads
from domain import group
from domain.event import Event
from tests.application.conftest import AnyLog
from tests.application.stored_events import (
    a_family_link,
    a_family_unlink,
    a_group,
    a_revision_of,
    a_user,
    holder,
    look_up,
    parts_of,
    store,
    take_in,
    the_end_of,
    the_removal_of,
)
from tests.examples import new_id, password_changed


def is_linked(log: AnyLog, owner: str, child: str, *events: Event) -> tuple[bool, bool]:
    """Whether the two are linked after these events: in the batch that has decided them, and in the next."""
    known = log.begin(parts_of(log, events), ())
    log.load(known, Reads(links={(owner, child)}, users={owner, child}))
    take_in(known, *events)
    within = known.is_linked(owner, child)
    log.append(known)
    log.commit(known)
    return within, look_up(log, links={(owner, child)}).is_linked(owner, child)


def test_leaving_one_of_two_groups_keeps_the_link(log: AnyLog) -> None:
    owner, child = new_id(), new_id()
    first, second = a_group(new_id(), owner, child), a_group(new_id(), owner, child)
    store(log, a_user(child), a_user(owner, role="educator"), first, second)
    left = a_revision_of(first)
    assert (True, True) == is_linked(log, owner, child, left)
    assert (False, False) == is_linked(log, owner, child, a_revision_of(second))
    assert (True, True) == is_linked(log, owner, child, a_revision_of(left, child))


def test_disbanding_one_of_two_groups_keeps_the_link(log: AnyLog) -> None:
    owner, child = new_id(), new_id()
    first, second = a_group(new_id(), owner, child), a_group(new_id(), owner, child)
    store(log, a_user(child), a_user(owner, role="educator"), first, second)
    assert (True, True) == is_linked(log, owner, child, the_end_of(first))
    assert (False, False) == is_linked(log, owner, child, the_end_of(second))


def test_each_group_formed_and_left_within_one_batch_counts(log: AnyLog) -> None:
    owner, child = new_id(), new_id()
    store(log, a_user(child), a_user(owner, role="educator"))
    first, second = a_group(new_id(), owner, child), a_group(new_id(), owner, child)
    assert (True, True) == is_linked(log, owner, child, first, second, the_end_of(first))
    third = a_group(new_id(), owner, child)
    assert (False, False) == is_linked(log, owner, child, third, a_revision_of(second), the_end_of(third))


def test_a_group_links_only_its_owner_to_its_children(log: AnyLog) -> None:
    owner, other, child = new_id(), new_id(), new_id()
    store(log, a_user(child), a_user(owner, role="educator"), a_user(other, role="educator"))
    store(log, a_group(new_id(), owner, child))
    assert (False, False) == is_linked(log, other, child, a_group(new_id(), other))
    assert look_up(log, links={(owner, child)}).is_linked(owner, child)


def test_a_revised_group_links_its_current_children(log: AnyLog) -> None:
    owner, left, stays, comes = (new_id() for _ in range(4))
    formed = a_group(new_id(), owner, left, stays)
    store(log, *map(a_user, (left, stays, comes)), a_user(owner, role="educator"), formed)
    revised = a_revision_of(formed, stays, comes)
    pairs = {(owner, child) for child in (left, stays, comes)}
    known = log.begin(parts_of(log, [revised]), ())
    log.load(known, Reads(links=pairs))
    take_in(known, revised)
    log.append(known)
    log.commit(known)
    for found in (known, look_up(log, links=pairs)):
        assert [False, True, True] == [found.is_linked(owner, child) for child in (left, stays, comes)]


def test_a_child_that_a_group_names_twice_is_linked_once(log: AnyLog) -> None:
    owner, child = new_id(), new_id()
    formed = a_group(new_id(), owner, child, child)
    store(log, a_user(child), a_user(owner, role="educator"), formed)
    assert (False, False) == is_linked(log, owner, child, a_revision_of(formed))


def test_a_revised_group_holds_only_its_last_name(log: AnyLog) -> None:
    owner = new_id()
    formed = a_group(new_id(), owner)
    store(log, a_user(owner, role="educator"), formed)
    store(log, a_revision_of(formed, name="second"))
    assert None is holder(log, group.key(owner, formed.name))
    assert formed.originator_id == holder(log, group.key(owner, "second"))


def test_groups_exchange_their_names_within_one_batch(log: AnyLog) -> None:
    owner = new_id()
    one, two = a_group(new_id(), owner), a_group(new_id(), owner)
    store(log, a_user(owner, role="educator"), one, two)
    away = a_revision_of(one, name="away")
    other = a_revision_of(two, name=one.name)
    store(log, away, other, a_revision_of(away, name=two.name))
    assert two.originator_id == holder(log, group.key(owner, one.name))
    assert one.originator_id == holder(log, group.key(owner, two.name))
    assert None is holder(log, group.key(owner, "away"))


def test_a_disbanded_group_holds_no_name(log: AnyLog) -> None:
    owner = new_id()
    formed = a_group(new_id(), owner)
    store(log, a_user(owner, role="educator"), formed)
    revised = a_revision_of(formed, name="second")
    store(log, revised, the_end_of(revised))
    for name in (formed.name, "second"):
        assert None is holder(log, group.key(owner, name))


def test_a_group_formed_revised_and_disbanded_within_one_batch_leaves_nothing(log: AnyLog) -> None:
    owner, child = new_id(), new_id()
    store(log, a_user(child), a_user(owner, role="educator"))
    formed = a_group(new_id(), owner, child)
    revised = a_revision_of(formed, child, name="second")
    assert (False, False) == is_linked(log, owner, child, formed, revised, the_end_of(revised))
    assert None is holder(log, group.key(owner, "second"))


def test_the_last_link_or_unlink_counts(log: AnyLog) -> None:
    family, child = new_id(), new_id()
    store(log, a_user(child), a_user(family, role="family"))
    assert (True, True) == is_linked(log, family, child, a_family_link(family, child, 2))
    assert (False, False) == is_linked(log, family, child, a_family_unlink(family, child, 3))
    again = [a_family_link(family, child, 4), a_family_unlink(family, child, 5), a_family_link(family, child, 6)]
    assert (True, True) == is_linked(log, family, child, *again)
    ended = [a_family_unlink(family, child, 7), a_family_link(family, child, 8), a_family_unlink(family, child, 9)]
    assert (False, False) == is_linked(log, family, child, *ended)


def test_a_family_can_be_unlinked_from_a_child_that_it_was_registered_with(log: AnyLog) -> None:
    family, child, other = new_id(), new_id(), new_id()
    registered = a_user(family, role="family", children=(child, other))
    store(log, a_user(child), a_user(other))
    assert (False, False) == is_linked(log, family, child, registered, a_family_unlink(family, child, 2))
    assert (False, False) == is_linked(log, family, other, a_family_unlink(family, other, 3))


def test_an_unlink_does_not_affect_other_children_and_families(log: AnyLog) -> None:
    family, other_family, child, other = (new_id() for _ in range(4))
    store(log, a_user(child), a_user(other))
    store(log, *(a_user(id, role="family", children=(child, other)) for id in (family, other_family)))
    store(log, a_family_unlink(family, child, 2))
    pairs = {(id, child_id) for id in (family, other_family) for child_id in (child, other)}
    known = look_up(log, links=pairs)
    assert {(family, child)} == {pair for pair in pairs if not known.is_linked(*pair)}


def test_a_link_to_a_child_that_is_removed_in_the_same_batch_leaves_nothing(log: AnyLog) -> None:
    family, child = new_id(), new_id()
    store(log, a_user(child), a_user(family, role="family"))
    store(log, a_family_link(family, child), the_removal_of(child))
    known = look_up(log, links={(family, child)}, users={child})
    assert (False, None) == (known.is_linked(family, child), known.user(child))


def test_a_changed_password_is_counted_and_leaves_the_other_members_of_a_user(log: AnyLog) -> None:
    child = new_id()
    stored = store(log, a_user(child))
    before = look_up(log, users={child}).user(child)
    changed = password_changed(originator_id=stored[0].originator_id, user_id=child)
    stored += store(log, changed)
    known = look_up(log, users={child}, histories={changed.originator_id})
    assert stored == known.history(changed.originator_id)
    assert before is not None
    recorded_at = stored[-1].origin.recorded_at
    assert replace(before, password_changes=1, password_changed_at=recorded_at) == known.user(child)
