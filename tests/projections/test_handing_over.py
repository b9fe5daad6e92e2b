"""Workers share partitions evenly, as each hands over its surplus."""

from hypothesis import given
from hypothesis import strategies as st

from projections.projector.projector import partitions_to_hand_over

Held = dict[str, list[int]]


@st.composite
def holdings(draw: st.DrawFn) -> Held:
    """Who holds which of some partitions."""
    workers = [f"worker {number}" for number in range(draw(st.integers(1, 6)))]
    held: Held = {worker: [] for worker in workers}
    for part in range(draw(st.integers(0, 64))):
        held[draw(st.sampled_from(workers))].append(part)
    return held


def give(held: Held, worker: str, *, leaving: bool = False) -> None:
    for part, other in partitions_to_hand_over(worker, held, leaving=leaving).items():
        held[worker].remove(part)
        held[other].append(part)


@given(held=holdings())
def test_after_one_handover_each_no_worker_has_more_than_an_equal_share(held: Held) -> None:
    parts = sorted(part for mine in held.values() for part in mine)
    for worker in held:
        give(held, worker)
    for worker in held:
        give(held, worker)
    assert parts == sorted(part for mine in held.values() for part in mine)
    assert max(map(len, held.values())) <= -(-len(parts) // len(held))


@given(held=holdings())
def test_a_worker_with_at_most_its_share_hands_nothing_over(held: Held) -> None:
    share = -(-sum(map(len, held.values())) // len(held))
    assert all(not partitions_to_hand_over(worker, held) for worker, mine in held.items() if len(mine) <= share)


@given(held=holdings())
def test_a_leaving_worker_hands_all_partitions_over(held: Held) -> None:
    leaving, *staying = held
    give(held, leaving, leaving=True)
    assert not staying or not held[leaving]


def test_the_last_worker_hands_nothing_over() -> None:
    assert {} == partitions_to_hand_over("alone", {"alone": [1, 2]}, leaving=True)
