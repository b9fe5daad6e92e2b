"""The byte budget is never exceeded; one client gets a quarter, and small bodies have a part of their own."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.http.edge.byte_budget import SMALL, ByteBudget, Reservation
from application.unavailable import Unavailable

MIB = 1024 * 1024
TOTAL = 16 * MIB


def reserved(budget: ByteBudget, subject: str | None, size: int) -> Reservation | None:
    with suppress(Unavailable):
        return budget.reserve(subject, size)
    return None


def test_a_subject_may_use_a_quarter_of_the_budget_without_affecting_others() -> None:
    budget = ByteBudget(TOTAL)
    held = [reserved(budget, "eager", MIB) for _ in range(5)]
    assert [True] * 4 + [False] == [each is not None for each in held]
    assert reserved(budget, "other", MIB) is not None


def test_large_bodies_leave_a_quarter_to_small_ones() -> None:
    budget = ByteBudget(TOTAL)
    large = [reserved(budget, f"subject {number}", MIB) for number in range(16)]
    assert 12 == len([each for each in large if each is not None])
    small = [reserved(budget, f"subject {number}", SMALL) for number in range(33)]
    assert 32 == len([each for each in small if each is not None])
    assert TOTAL == budget.used


def test_released_bytes_can_be_reserved_again() -> None:
    budget = ByteBudget(TOTAL)
    held = reserved(budget, "eager", 4 * MIB)
    assert held is not None
    assert reserved(budget, "eager", 1) is None
    held.release()
    held.release()
    assert 0 == budget.used
    assert reserved(budget, "eager", 4 * MIB) is not None


def test_a_body_that_grows_beyond_small_counts_as_large_from_then_on() -> None:
    budget = ByteBudget(TOTAL)
    growing = budget.reserve("growing", SMALL)
    for number in range(12):
        assert reserved(budget, f"subject {number}", MIB) is not None
    with pytest.raises(Unavailable, match="all clients together"):
        growing.resize(SMALL + 1)
    assert SMALL == growing.size


@given(st.lists(st.tuples(st.integers(0, 9), st.sampled_from(["a", "b", None]), st.integers(0, 3 * SMALL))))
def test_no_sequence_of_reservations_exceeds_it_and_what_is_given_back_is_all_there_again(
    changes: list[tuple[int, str | None, int]],
) -> None:
    budget = ByteBudget(8 * SMALL)
    held: dict[tuple[int, str | None], Reservation] = {}
    for number, subject, size in changes:
        one = held.setdefault((number, subject), budget.reserve(subject))
        with suppress(Unavailable):
            one.resize(size)
        assert sum(each.size for each in held.values()) == budget.used <= budget.total
        assert sum(each.size for each in held.values() if each.size > SMALL) <= budget.of_large
        assert sum(each.size for (_, of), each in held.items() if of == "a") <= budget.share
    for each in held.values():
        each.release()
    assert 0 == budget.used
    assert budget.reserve("a", budget.share).size == budget.share
