"""A window admits exactly its limit, whatever the order of requests; a table maps endpoints to limits."""

from collections.abc import Mapping
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar.types import Scope

from adapters.http.edge.access import address_of
from adapters.http.edge.api_areas import api_area_of
from adapters.limits.limiter import (
    AREA_SETTINGS,
    LOGINS,
    Limiter,
    LimitsNotShared,
    TooManyRequests,
    limiter,
    require_shared_limits,
)
from adapters.limits.window import Counted, Limit, Window
from adapters.settings import InvalidSetting, Settings, from_environment

WHO = ("ann", "ben", "eva")


class Clock:
    """That goes when it is told."""

    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> float:
        return self.now


@given(
    most=st.integers(1, 4),
    seconds=st.integers(1, 5),
    steps=st.lists(st.tuples(st.integers(0, 3), st.sampled_from(WHO)), max_size=60),
)
def test_a_window_lets_through_what_a_list_of_all_times_says(
    most: int, seconds: int, steps: list[tuple[int, str]]
) -> None:
    clock, let_through = Clock(), {who: list[int]() for who in WHO}
    window = Window(Limit("limit", most, seconds), clock)
    for passed, who in steps:
        clock.now += passed
        recent = [then for then in let_through[who] if then + seconds > clock.now]
        expected = 0 if len(recent) < most else recent[-most] + seconds - clock.now
        assert expected == window.count(who).wait
        if expected == 0:
            let_through[who].append(clock.now)
    remembered = [who for who, times in let_through.items() if times and times[-1] + seconds > clock.now]
    clock.now += seconds
    window.count("somebody new")
    assert 1 == len(window), remembered


def test_a_window_that_has_to_count_alone_goes_on_from_what_all_have_counted() -> None:
    """Two processes have let through 4 of 5, then neither hears of the other."""
    clock = Clock()
    windows = [Window(Limit("limit", 5, 10), clock) for _ in range(2)]
    for seen in (1, 2, 3, 4):
        windows[seen % 2].learn("ann", Counted(0.0, seen))
        clock.now += 1
    alone = [window.count("ann") for window in windows for _ in range(3)]
    assert [True, False, False, True, True, False] == [each.wait == 0 for each in alone], "what each knew to be left"
    clock.now += 10
    assert [0.0] * 5 == [windows[0].count("ann").wait for _ in range(5)]
    assert 0 < windows[0].count("ann").wait <= 10


def test_a_window_that_was_full_for_all_is_full_for_one() -> None:
    clock = Clock()
    window = Window(Limit("limit", 5, 10), clock)
    window.learn("ann", Counted(3.0, 5))
    assert 0 < window.count("ann").wait <= 10
    assert 0.0 == window.count("ben").wait
    clock.now += 10
    assert 0.0 == window.count("ann").wait


def test_an_uncounted_request_leaves_room_in_the_window() -> None:
    window = Window(Limit("limit", 1, 10), Clock())
    for _ in range(3):
        assert Counted(0.0, 1) == window.count("ann")
        window.uncount("ann")
    window.uncount("ben")


@pytest.mark.parametrize(
    ("address", "who"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:aaaa::9", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("fe80::1%eth0", "fe80::/64"),
        ("203.0.113.9:5:6", "203.0.113.9:5:6"),
        ("", ""),
    ],
)
def test_a_client_address_is_counted_as_its_ipv6_network_or_ipv4_address(address: str, who: str) -> None:
    assert who == address_of(cast("Scope", {"client": (address, 4711)}))
    assert "" == address_of(cast("Scope", {"client": None}))


def settings(**given: str) -> Settings:
    return from_environment({f"GROWTHRINGS_{name.upper()}": value for name, value in given.items()})


async def let_through(counting: Limiter, what: str, times: int = 5) -> int:
    """Of so many of the same."""
    waits: list[int] = []
    for _ in range(times):
        try:
            await counting.count(what, "subject/ann")
        except TooManyRequests as error:
            waits.append(error.wait)
    assert all(1 <= wait <= 3600 for wait in waits)
    return times - len(waits)


@pytest.mark.parametrize(
    ("given_", "measurements", "accounts", "outcomes", "logins"),
    [
        ({}, 5, 5, 5, 2),
        ({"rate_limit": "2/hour"}, 2, 0, 0, 2),
        ({"rate_limit": "2/hour", "rate_limit_outcomes": "1/hour"}, 2, 0, 1, 2),
        ({"rate_limit": "2/hour", "rate_limit_measurements": "off"}, 5, 2, 0, 2),
        ({"rate_limit": "off", "rate_limit_accounts": "2/hour", "rate_limit_outcomes": "2/hour"}, 5, 2, 2, 2),
        ({"login_limit": "off"}, 5, 5, 5, 5),
    ],
)
async def test_a_family_with_a_limit_of_its_own_counts_for_itself(
    given_: Mapping[str, str], measurements: int, accounts: int, outcomes: int, logins: int
) -> None:
    counting = limiter(settings(**{"login_limit": "2/hour", **given_}))
    expected = {"measurements": measurements, "accounts": accounts, "outcomes": outcomes, LOGINS: logins}
    assert expected == {what: await let_through(counting, what) for what in expected}
    assert 20 - sum(expected.values()) == counting.refused
    assert (None, 0) == (counting.shared, counting.missed)


def test_limits_are_on_unless_they_are_set_to_off() -> None:
    assert ("100/second", "10/minute") == (Settings().rate_limit, Settings().login_limit)
    assert [None] * 3 == [getattr(Settings(), setting) for setting in AREA_SETTINGS.values()]


@pytest.mark.parametrize(
    ("path", "family"),
    [
        ("/v1/children/507f191e810c19729de860ea/weights", "measurements"),
        ("/v1/children/507f191e810c19729de860ea/bodyfats/507f191e810c19729de860ea", "measurements"),
        ("/v1/children/507f191e810c19729de860ea", "accounts"),
        ("/v1/children", "accounts"),
        ("/v1/auth", "accounts"),
        ("/v1/outcomes", "outcomes"),
        ("/v1/outcomes/x/entries", "outcomes"),
        ("/v1/outcomesx", "accounts"),
        ("/v1/correlations/compute", "outcomes"),
        ("/cohort/trend", "outcomes"),
        ("/patterns/correlate", "outcomes"),
        ("/v1/views", "accounts"),
        ("/v1/audit/events", "accounts"),
    ],
)
def test_a_path_tells_its_family(path: str, family: str) -> None:
    assert family == api_area_of(path)
    assert family in AREA_SETTINGS


@pytest.mark.parametrize(
    ("workers", "given_", "told"),
    [
        (2, {}, ("REDIS_URL", "GROWTHRINGS_RATE_LIMIT", "GROWTHRINGS_LOGIN_LIMIT")),
        (2, {"login_limit": "off", "rate_limit": "off", "rate_limit_accounts": "1/day"}, ("RATE_LIMIT_ACCOUNTS",)),
        (2, {"login_limit": "off", "rate_limit": "off"}, None),
        (1, {}, None),
    ],
)
def test_several_workers_need_redis_to_count_together(
    workers: int, given_: Mapping[str, str], told: tuple[str, ...] | None
) -> None:
    if told is None:
        require_shared_limits(settings(**given_), workers)
    else:
        with pytest.raises(LimitsNotShared) as refused:
            require_shared_limits(settings(**given_), workers)
        assert [word for word in told if word not in str(refused.value)] == []
    require_shared_limits(from_environment({"REDIS_URL": "redis://127.0.0.1"}), workers)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        *(("REDIS_URL", url) for url in ("localhost:6379", "http://:s3cret@redis", "redis://", "redis://x:s3cret/@y")),
        *(("GROWTHRINGS_TRUSTED_PROXIES", hosts) for hosts in ("*", "10.0.0.1/8", "a", "127.0.0.1,", "10.0.0.1 ::1")),
        *(("GROWTHRINGS_RATE_LIMIT_OUTCOMES", limit) for limit in ("ten/minute", "0/second", "5/second\n")),
        ("GROWTHRINGS_REDIS_WAIT", "0"),
    ],
)  # fmt: skip
def test_an_invalid_limit_setting_is_refused_naming_the_variable_but_not_its_secret(variable: str, value: str) -> None:
    with pytest.raises(InvalidSetting) as refused:
        from_environment({variable: value})
    assert str(refused.value).startswith(variable)
    assert "s3cret" not in str(refused.value)
