"""The inline projections of a log: dedupe keys and the directory."""

from application.ports import Reads
from domain import group, measurement, user
from domain.partition import ACCOUNTS, stream
from tests.application.conftest import AnyLog
from tests.application.stored_events import (
    a_user,
    a_weight,
    append,
    holder,
    look_up,
    parts_of,
    store,
    take_in,
    the_removal_of,
)
from tests.examples import NOON, group_formed, measurement_removed, measurements_withdrawn, new_id


def test_a_removed_measurement_frees_its_key(log: AnyLog) -> None:
    child = new_id()
    (weight,) = store(log, a_weight(child))
    store(log, measurement_removed(originator_id=weight.originator_id, child_id=child))
    assert None is holder(log, measurement.key(child, "weight", NOON))


def test_a_key_can_be_freed_and_held_again_within_one_batch(log: AnyLog) -> None:
    child = new_id()
    (weight,) = store(log, a_weight(child))
    removed = measurement_removed(originator_id=weight.originator_id, child_id=child)
    _, again = store(log, removed, a_weight(child))
    assert again.originator_id == holder(log, measurement.key(child, "weight", NOON))


def test_a_key_can_be_held_and_freed_within_one_batch(log: AnyLog) -> None:
    child = new_id()
    weight = a_weight(child)
    store(log, weight, measurement_removed(originator_id=weight.originator_id, child_id=child))
    assert None is holder(log, measurement.key(child, "weight", NOON))


def test_a_withdrawal_frees_all_keys_of_the_child(log: AnyLog) -> None:
    child, other = new_id(), new_id()
    store(log, a_weight(child), a_weight(other))
    store(log, measurements_withdrawn(originator_id=stream(child, "measurements"), child_id=child))
    assert None is holder(log, measurement.key(child, "weight", NOON))
    assert None is not holder(log, measurement.key(other, "weight", NOON))


def test_keys_that_were_held_in_the_batch_that_withdraws_them_are_free(log: AnyLog) -> None:
    child = new_id()
    withdrawn = measurements_withdrawn(originator_id=stream(child, "measurements"), child_id=child)
    key = measurement.key(child, "weight", NOON)
    known = append(log, a_weight(child), withdrawn)
    assert None is known.holder(key), "to the next command of the group"
    log.commit(known)
    assert None is holder(log, key), "to the next group"


def test_loaded_keys_are_free_after_the_batch_has_withdrawn_them(log: AnyLog) -> None:
    child = new_id()
    store(log, a_weight(child))
    withdrawn = measurements_withdrawn(originator_id=stream(child, "measurements"), child_id=child)
    key = measurement.key(child, "weight", NOON)
    known = log.begin(parts_of(log, [withdrawn]), ())
    log.load(known, Reads(keys={key}))
    take_in(known, withdrawn)
    log.rollback()
    assert None is known.holder(key)


def test_a_removed_user_leaves_no_name_no_group_name_and_no_link(log: AnyLog) -> None:
    owner, child, other = new_id(), new_id(), new_id()
    formed = group_formed(originator_id=stream(ACCOUNTS, new_id()), owner_id=owner, children=(child, other))
    store(log, a_user(child), a_user(other), a_user(owner, role="educator"), formed)
    asked = {"users": {owner, child}, "links": {(owner, child), (owner, other)}}
    assert look_up(log, **asked).is_linked(owner, child)
    store(log, the_removal_of(child))
    known = look_up(log, **asked)
    assert (None, False, True) == (known.user(child), known.is_linked(owner, child), known.is_linked(owner, other))
    store(log, the_removal_of(owner))
    known = look_up(log, **asked)
    assert (None, False) == (known.user(owner), known.is_linked(owner, other))
    assert None is holder(log, user.key(owner))
    assert None is holder(log, group.key(owner, "4.º B"))


def test_a_registered_family_is_linked_to_its_children(log: AnyLog) -> None:
    family, child = new_id(), new_id()
    store(log, a_user(child), a_user(family, role="family", children=(child,)))
    known = look_up(log, links={(family, child), (child, family)})
    assert (True, False) == (known.is_linked(family, child), known.is_linked(child, family))
