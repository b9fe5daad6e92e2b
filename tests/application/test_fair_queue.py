"""Actors share the queue in front of the writer fairly."""

from collections import Counter, defaultdict
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from application.fair_queue import FairQueue, QueueFull

BATCH = 100

_numbers = count()


class Entry(Struct, frozen=True):
    subject: str
    size: int
    number: int


def of(subject: str, size: int = 1) -> Entry:
    return Entry(subject, size, next(_numbers))


def queue(*entries: Entry) -> FairQueue[Entry]:
    queue = FairQueue[Entry](batch_size=BATCH)
    for entry in entries:
        queue.add(entry)
    return queue


def sizes(batch: list[Entry]) -> Counter[str]:
    """The number of items of each subject."""
    counted: Counter[str] = Counter()
    for entry in batch:
        counted[entry.subject] += entry.size
    return counted


def test_an_empty_queue_has_no_batch() -> None:
    assert [] == queue().take()


def test_one_subject_alone_fills_the_batch_in_order() -> None:
    entries = [of("a") for _ in range(BATCH + 1)]
    waiting = queue(*entries)
    assert entries[:BATCH] == waiting.take()
    assert entries[BATCH:] == waiting.take()
    assert not waiting


def test_a_batch_is_shared_by_items_and_not_by_entries() -> None:
    waiting = queue(*(of("arrays", 10) for _ in range(100)), *(of("singles") for _ in range(1_000)))
    assert {"arrays": 50, "singles": 50} == sizes(waiting.take())


def test_a_subject_that_has_just_come_is_in_the_next_batch() -> None:
    waiting = queue(*(of("first") for _ in range(10_000)), of("last"))
    assert 1 == sizes(waiting.take())["last"]


def test_room_that_one_subject_does_not_use_goes_to_others() -> None:
    waiting = queue(*(of("much") for _ in range(1_000)), of("little"))
    assert {"much": BATCH - 1, "little": 1} == sizes(waiting.take())


def test_an_entry_that_is_larger_than_a_batch_is_taken_alone() -> None:
    small, large, after = of("a"), of("a", BATCH + 1), of("a")
    waiting = queue(small, large, after)
    assert [[small], [large], [after]] == [waiting.take() for _ in range(3)]


def test_large_entries_of_one_subject_get_no_more_than_its_share() -> None:
    """The other subject always has entries, and gets as many items."""
    waiting = queue(*(of("large", 10 * BATCH) for _ in range(5)))
    served: Counter[str] = Counter()
    while served["large"] < 30 * BATCH:
        for _ in range(BATCH):
            waiting.add(of("small"))
        served += sizes(waiting.take())
    assert served["small"] >= 20 * BATCH


def test_a_large_entry_gets_its_turn_among_many_others() -> None:
    waiting = queue(large := of("large", 10 * BATCH))
    for _ in range(10 * BATCH):
        for subject in range(50):
            waiting.add(of(f"subject {subject}"))
        if waiting.take() == [large]:
            return
    raise AssertionError("it was never taken")


def test_room_is_made_by_dropping_the_newest_entries_of_the_largest_subject() -> None:
    entries = [of("most", 4) for _ in range(3)]
    waiting = queue(*entries, of("some", 5))
    assert [entries[2]] == waiting.make_room(of("new", 3), 1)
    assert [entries[2 - 1]] == waiting.make_room(of("new", 3), 4)
    assert {"most": 4, "some": 5} == sizes(waiting.take())


def test_the_subject_with_most_items_gets_no_room() -> None:
    entries = [of("most", 4), of("most", 4), of("some", 4)]
    waiting = queue(*entries)
    with pytest.raises(QueueFull):
        waiting.make_room(of("most"), 1)
    with pytest.raises(QueueFull):
        waiting.make_room(of("new", 8), 1)
    with pytest.raises(QueueFull):
        waiting.make_room(of("new", 5), 8)
    assert entries == waiting.clear()


@given(
    st.lists(
        st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 3 * BATCH)), max_size=8),
        max_size=20,
    )
)
def test_every_entry_is_taken_once_in_the_order_of_its_subject(arrivals: list[list[tuple[str, int]]]) -> None:
    waiting, taken = queue(), list[Entry]()
    added = defaultdict[str, list[Entry]](list)

    def take() -> None:
        batch = waiting.take()
        assert len(batch) == 1 or sum(entry.size for entry in batch) <= BATCH
        taken.extend(batch)

    for arrived in arrivals:
        for subject, size in arrived:
            added[subject].append(entry := of(subject, size))
            waiting.add(entry)
        take()
    while waiting:
        before = len(taken)
        take()
        assert len(taken) > before
    for subject, entries in added.items():
        assert entries == [entry for entry in taken if entry.subject == subject]
