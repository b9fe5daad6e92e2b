"""How long a view has been behind is measured by time that passes, not by clocks that may differ."""

import pytest

from projections.lag import MAX_OBSERVATIONS, LagTracker

TWO_DAYS = 172_800.0


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lags(clock: Clock) -> LagTracker:
    return LagTracker(clock)


def test_the_lag_of_a_stopped_view_grows_with_time_although_its_events_have_future_times(
    lags: LagTracker, clock: Clock
) -> None:
    for passed in (0.0, 30.0, 90.0):
        clock.now = 1_000.0 + passed
        lags.observe([5, 7], [[5, 6]])
        assert passed == lags.seconds([5, 6], age=-TWO_DAYS)


def test_an_event_is_younger_than_the_observation_without_it_whatever_its_time(lags: LagTracker, clock: Clock) -> None:
    lags.observe([5], [[5]])
    clock.now += 2.0
    lags.observe([6], [[5]])
    assert 2.0 == lags.seconds([5], age=TWO_DAYS)
    assert 1.5 == lags.seconds([5], age=1.5)


def test_the_lag_of_a_first_observation_is_the_age_of_the_event_and_never_negative(lags: LagTracker) -> None:
    lags.observe([6], [[5], [6]])
    assert TWO_DAYS == lags.seconds([5], age=TWO_DAYS)
    assert 0.0 == lags.seconds([5], age=-TWO_DAYS)
    assert 0.0 == lags.seconds([6], age=0.0)


def test_the_lag_of_a_view_that_keeps_its_distance_is_that_distance(lags: LagTracker, clock: Clock) -> None:
    """It has always seen what there was 10 s ago."""
    for second in range(100):
        clock.now = 1_000.0 + second
        lags.observe([second], [[second - 10]])
    assert 10.0 == lags.seconds([89], age=-TWO_DAYS) + 1.0


def test_the_lag_of_a_stopped_partition_is_not_hidden_by_other_partitions(lags: LagTracker, clock: Clock) -> None:
    for second in range(50):
        clock.now = 1_000.0 + second
        lags.observe([second, 1], [[second, 0]])
    assert 49.0 == lags.seconds([49, 0], age=-TWO_DAYS)


def test_the_number_of_observations_is_limited_and_the_first_one_counts(lags: LagTracker, clock: Clock) -> None:
    for second in range(100_000):
        clock.now = 1_000.0 + second
        lags.observe([second + 1], [[0]])
        assert len(lags._observations) <= MAX_OBSERVATIONS
    assert 99_999.0 == lags.seconds([0], age=-TWO_DAYS)


def test_a_view_that_has_caught_up_has_no_lag(lags: LagTracker, clock: Clock) -> None:
    lags.observe([9], [[3]])
    clock.now += 60.0
    lags.observe([9], [[9]])
    assert 0.0 == lags.seconds([9], age=0.0)
    assert 1 == len(lags._observations)
