"""Lost connections: a batch that was not stored is run again, a commit in doubt is settled, never guessed."""

from datetime import timedelta

import pytest

from application.ports import LogUnavailable
from application.processor import ATTEMPTS
from tests.application.world import World
from tests.example_commands import reading
from tests.examples import NOON
from tests.fakes import FakeLog

STEPS = ["begin", "load", "append"]


@pytest.fixture
def world(fake_log: FakeLog) -> World:
    world = World(fake_log)
    fake_log.begun = 0
    return world


def three(world: World) -> list[object]:
    """The results of a batch of three weights."""
    return list(world.run(*(world.weigh(NOON + timedelta(hours=hour)) for hour in range(3))))


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("times", range(1, ATTEMPTS))
def test_a_batch_lost_before_its_commit_is_run_again(world: World, fake_log: FakeLog, step: str, times: int) -> None:
    fake_log.lost[step] = times
    assert [list] * 3 == [type(answer) for answer in three(world)]
    assert 3 == len(world.events())
    assert times + 1 == fake_log.begun


@pytest.mark.parametrize("step", STEPS)
def test_a_batch_that_is_lost_repeatedly_is_unavailable_and_not_stored(
    world: World, fake_log: FakeLog, step: str
) -> None:
    fake_log.lost[step] = ATTEMPTS
    assert all(isinstance(answer, LogUnavailable) for answer in three(world))
    assert [] == world.events()
    assert ATTEMPTS == fake_log.begun


def test_the_log_can_be_used_again_after_it_was_unavailable(world: World, fake_log: FakeLog) -> None:
    fake_log.lost["load"] = ATTEMPTS
    three(world)
    assert [list] * 3 == [type(answer) for answer in three(world)]


def test_a_commit_in_doubt_that_was_stored_is_not_run_again(world: World, fake_log: FakeLog) -> None:
    fake_log.lost["commit"], fake_log.stores_when_lost = 1, True
    assert [list] * 3 == [type(answer) for answer in three(world)]
    assert 3 == len(world.events())
    assert 1 == fake_log.begun


def test_a_commit_in_doubt_that_was_not_stored_is_run_again(world: World, fake_log: FakeLog) -> None:
    fake_log.lost["commit"] = 1
    assert [list] * 3 == [type(answer) for answer in three(world)]
    assert 3 == len(world.events())
    assert 2 == fake_log.begun


def test_repeated_commits_in_doubt_that_were_not_stored_are_unavailable(world: World, fake_log: FakeLog) -> None:
    fake_log.lost["commit"] = ATTEMPTS
    assert all(isinstance(answer, LogUnavailable) for answer in three(world))
    assert [] == world.events()


@pytest.mark.parametrize("stored", [True, False])
def test_a_commit_in_doubt_that_cannot_be_settled_is_not_run_again(
    world: World, fake_log: FakeLog, stored: bool
) -> None:
    """If it was stored, a second run would refuse its own commands as duplicates."""
    fake_log.lost["commit"], fake_log.lost["settle"], fake_log.stores_when_lost = 1, 1, stored
    assert all(isinstance(answer, LogUnavailable) for answer in three(world))
    assert 1 == fake_log.begun
    assert (3 if stored else 0) == len(world.events())


def test_a_lost_commit_without_events_is_not_in_doubt(world: World, fake_log: FakeLog) -> None:
    world.run(world.weigh())
    fake_log.lost["commit"] = 1
    assert [list] == [type(answer) for answer in world.run(world.weigh())]
    assert 1 == len(world.events())


def test_a_half_that_was_stored_keeps_its_results_if_the_log_is_lost_in_the_other(
    world: World, fake_log: FakeLog
) -> None:
    first, second = world.weigh(), world.record(reading(taken_at=NOON + timedelta(hours=1)))
    fake_log.refused = {second.request_id}
    original = fake_log.commit

    def lose_from_now_on(known: object) -> None:
        original(known)  # type: ignore[arg-type]
        fake_log.lost["begin"] = ATTEMPTS

    fake_log.commit = lose_from_now_on  # type: ignore[method-assign]
    answers = world.run(first, second)
    assert [list, True] == [type(answers[0]), isinstance(answers[1], LogUnavailable)]
    assert 1 == len(world.events())
