"""The log in memory and in PostgreSQL: batches are stored whole, in order, and visible to the next."""

from itertools import pairwise

import pytest

from application.ports import AppendRefused, Reads, UserRow
from domain import measurement
from domain.partition import ACCOUNTS, partition, stream
from tests.application.conftest import AnyLog
from tests.application.stored_events import a_user, a_weight, append, holder, look_up, parts_of, store, take_in
from tests.examples import NOON, institution_registered, measurement_removed, measurements_withdrawn, new_id


def test_committed_events_are_known_to_the_next_batch(log: AnyLog) -> None:
    child, institution = new_id(), new_id()
    weight, _, _ = store(
        log,
        a_weight(child),
        institution_registered(
            originator_id=stream(ACCOUNTS, institution), institution_id=institution, name=institution
        ),
        a_user(child, institution_id=institution),
    )
    key = measurement.key(child, "weight", NOON)
    known = look_up(log, keys={key}, histories={weight.originator_id}, users={child}, institutions={institution})
    assert weight.originator_id == known.holder(key)
    assert [weight] == known.history(weight.originator_id)
    assert UserRow("child", institution) == known.user(child)
    assert known.has_institution(institution)


def test_lookups_of_missing_rows_return_nothing(log: AnyLog) -> None:
    child = new_id()
    key = measurement.key(child, "weight", NOON)
    known = look_up(
        log, keys={key}, histories={stream(child, "x")}, users={child}, institutions={child}, links={(child, child)}
    )
    assert None is known.holder(key)
    assert [] == known.history(stream(child, "x"))
    assert None is known.user(child)
    assert not known.has_institution(child)
    assert not known.is_linked(child, child)


def test_a_lookup_that_was_not_read_before_is_a_key_error(log: AnyLog) -> None:
    known = look_up(log)
    for look in (
        lambda: known.holder(measurement.key("x", "weight", NOON)),
        lambda: known.history("x"),
        lambda: known.user("x"),
        lambda: known.has_institution("x"),
        lambda: known.members("x"),
        lambda: known.is_linked("x", "y"),
    ):
        with pytest.raises(KeyError):
            look()


def test_a_batch_that_is_rolled_back_leaves_nothing(log: AnyLog) -> None:
    child = new_id()
    known = append(log, a_weight(child), a_user(child))
    log.rollback()
    after = look_up(log, histories={known.appended[0][0].originator_id}, users={child})
    assert [] == after.history(known.appended[0][0].originator_id)
    assert None is after.user(child)
    assert None is holder(log, measurement.key(child, "weight", NOON))


def test_positions_have_no_gaps_between_batches_and_after_a_rollback(log: AnyLog) -> None:
    child = new_id()
    (part,) = parts_of(log, [a_weight(child)])
    known = append(log, a_weight(child), measurement_removed(originator_id=stream(child, new_id()), child_id=child))
    log.commit(known)
    append(log, a_weight(child))
    log.rollback()
    assert known.next_seq[part] + 2 == log.begin({part}, ()).next_seq[part]
    log.rollback()


def test_the_time_of_a_partition_always_increases(log: AnyLog) -> None:
    child = new_id()
    times = [store(log, measurements_withdrawn(originator_id=stream(child, new_id()))) for _ in range(50)]
    assert all(before.origin.recorded_at < after.origin.recorded_at for (before,), (after,) in pairwise(times))


def test_a_batch_is_later_than_the_last_event_of_each_of_its_partitions(log: AnyLog) -> None:
    first, second = new_id(), new_id()
    (of_second,) = store(log, a_weight(second))
    (of_first,) = store(log, a_weight(first))
    known = log.begin(parts_of(log, [of_first, of_second]), ())
    log.rollback()
    assert known.recorded_at > max(of_first.origin.recorded_at, of_second.origin.recorded_at)


def test_decided_events_are_not_overwritten_by_a_later_load(log: AnyLog) -> None:
    child = new_id()
    weight, key = a_weight(child), measurement.key(child, "weight", NOON)
    known = log.begin(parts_of(log, [weight, a_user(child)]), ())
    (stored, _) = take_in(known, weight, a_user(child))
    log.load(known, Reads(keys={key}, histories={weight.originator_id}, users={child}))
    log.rollback()
    assert weight.originator_id == known.holder(key)
    assert [stored] == known.history(weight.originator_id)
    assert None is not known.user(child)


def test_a_version_of_a_stream_is_taken_once(log: AnyLog) -> None:
    (weight,) = store(log, a_weight(new_id()))
    with pytest.raises(AppendRefused):
        append(log, measurements_withdrawn(originator_id=weight.originator_id))
    log.rollback()


def test_a_key_held_by_two_streams_is_refused(log: AnyLog) -> None:
    child = new_id()
    store(log, a_weight(child))
    with pytest.raises(AppendRefused):
        append(log, a_weight(child))
    log.rollback()


def test_an_event_of_a_partition_that_is_not_locked_is_not_appended(log: AnyLog) -> None:
    weight = a_weight(new_id())
    elsewhere = (partition(weight.originator_id, log.partitions) + 1) % log.partitions
    known = log.begin({elsewhere}, ())
    take_in(known, weight)
    with pytest.raises(KeyError):
        log.append(known)
    log.rollback()
