"""Partitions that another writer holds, and commits in doubt."""

import pytest

from adapters.postgres import event_store as postgres
from application.ports import PartitionsHeld
from domain.event import Event
from domain.partition import stream
from tests.application.conftest import AnyLog, Hold
from tests.application.stored_events import append, store
from tests.examples import measurements_withdrawn, new_id


def an_event() -> Event:
    return measurements_withdrawn(originator_id=stream(new_id(), "x"))


@pytest.fixture(autouse=True)
def short_lock_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sessions wait only 50 ms for a lock."""
    monkeypatch.setattr(postgres, "SESSION", {**postgres.SESSION, "lock_timeout": "50ms"})


def test_partitions_that_are_free_are_locked_without_waiting_for_others(log: AnyLog, held_elsewhere: Hold) -> None:
    with held_elsewhere({1, 2}):
        known = log.begin({3}, {0, 1, 2})
        log.rollback()
    assert {0, 3} == known.parts
    assert {0, 3} == set(known.next_seq)


def test_waiting_for_a_partition_has_a_time_limit(log: AnyLog, held_elsewhere: Hold) -> None:
    with held_elsewhere({1}), pytest.raises(PartitionsHeld):
        log.begin({1}, {2})
    assert {1, 2} == log.begin({1}, {2}).parts
    log.rollback()


def test_a_batch_may_lock_and_store_nothing(log: AnyLog, held_elsewhere: Hold) -> None:
    with held_elsewhere({1}):
        known = log.begin((), {1})
        log.append(known)
        log.commit(known)
    assert frozenset() == known.parts


def test_a_batch_holds_no_locks_after_its_end(log: AnyLog, held_elsewhere: Hold) -> None:
    for end in (lambda _: log.rollback(), log.commit):
        end(append(log, an_event()))
        with held_elsewhere(range(log.partitions)):
            pass


def test_a_stored_batch_is_settled_as_stored(log: AnyLog) -> None:
    known = append(log, an_event())
    log.commit(known)
    assert log.settle(known)


def test_a_batch_that_was_not_stored_is_settled_so_even_if_another_took_its_positions(log: AnyLog) -> None:
    event = an_event()
    known = append(log, event)
    log.rollback()
    assert not log.settle(known)
    store(log, event)
    assert not log.settle(known)
