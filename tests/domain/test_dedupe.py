"""Equal things have one dedupe key, different things have different ones."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain import dedupe, group, institution, measurement, user
from domain.partition import ACCOUNTS
from tests.examples import CHILD, EDUCATOR, NOON, OTHER_CHILD

texts = st.text(st.characters(exclude_categories=["Cs"]))
instants = st.datetimes(timezones=st.just(UTC))
zones = st.integers(-24 * 60 + 1, 24 * 60 - 1).map(lambda minutes: timezone(timedelta(minutes=minutes)))
parts = st.lists(texts | instants, max_size=4).map(tuple)


@given(parts, parts)
@example(("ab", "c"), ("a", "bc"))
@example(("a", "b"), ('a","b',))
@example(("",), ("", ""))
@example((), ("",))
@example(("\\",), ("\\\\",))
@example(("é",), ("e\u0301",))
def test_different_parts_have_different_keys(
    some: tuple[str | datetime, ...], others: tuple[str | datetime, ...]
) -> None:
    dedupe.key.cache_clear()
    assert (some == others) == (dedupe.key("scope", *some) == dedupe.key("scope", *others))


def test_a_text_that_looks_like_a_time_has_another_key_than_the_time() -> None:
    dedupe.key.cache_clear()
    assert dedupe.key("scope", "2019-06-20T12:00:00Z") != dedupe.key("scope", NOON)


@given(texts, texts, parts)
def test_different_scopes_have_different_keys(some: str, other: str, parts: tuple[str | datetime, ...]) -> None:
    assert (some == other) == (dedupe.key(some, *parts) == dedupe.key(other, *parts))


@given(instants.filter(lambda time: 1 < time.year < 9999), zones)
@example(NOON, timezone(timedelta(hours=1)))
def test_a_time_has_the_same_key_in_every_zone(time: datetime, zone: timezone) -> None:
    dedupe.key.cache_clear()
    expected = dedupe.key("scope", time)
    dedupe.key.cache_clear()
    assert expected == dedupe.key("scope", time.astimezone(zone))


@given(st.tuples(texts, instants))
def test_a_dedupe_key_has_32_bytes_for_any_parts(parts: tuple[str, datetime]) -> None:
    assert 32 == len(dedupe.key("scope", *parts).digest)


def test_times_a_millisecond_apart_have_different_keys() -> None:
    assert dedupe.key("scope", NOON) != dedupe.key("scope", NOON + timedelta(milliseconds=1))


def test_dedupe_keys_never_change() -> None:
    """Stored indexes have them: a rebuild has to make the same."""
    weight = "ba16397f1f2fe53af7d7b414cbfeb497e810a3d61d1f61ce3d4c42116c15e63d"
    username = "34fa2755243c9c49dc7331d66bc42c0be5bca40a6dd09bb3708bbce8663f9f70"
    assert weight == measurement.key(CHILD, "weight", NOON).digest.hex()
    assert username == user.key("Ana Maria").digest.hex()


def test_no_two_aggregates_share_a_key() -> None:
    keys = [
        measurement.key(CHILD, "weight", NOON),
        measurement.key(CHILD, "body_fat", NOON),
        measurement.key(OTHER_CHILD, "weight", NOON),
        user.key("x"),
        institution.key("x"),
        group.key(CHILD, "x"),
        group.key(EDUCATOR, "x"),
    ]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("key", [user.key("x"), institution.key("x"), group.key(EDUCATOR, "x")])
def test_the_keys_of_accounts_have_scopes_of_the_accounts(key: dedupe.Key) -> None:
    assert key.scope.startswith(f"{ACCOUNTS}/")
