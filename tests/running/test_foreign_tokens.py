"""Tokens of another issuer: which are accepted, which are refused, and that none of them costs a call."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import jwt
import pytest

from tests.acceptance import refusals
from tests.acceptance.client import UNKNOWN_ID, WEIGHT, User, refused
from tests.acceptance.people import CHILD
from tests.running.foreign_tokens import (
    ALGORITHMS,
    EC,
    ENCRYPTING,
    KEYS,
    REFUSED,
    RSA,
    STRANGER,
    SYMMETRIC,
    World,
    good,
)
from tests.running.issuer import issuing, trusting
from tests.running.processes import run_briefly, serving
from tests.running.programme import client, enrol, instant


@pytest.fixture(scope="module")
def world(new_database: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder: Path = tmp_path_factory.mktemp("foreign")
    with (
        issuing(*KEYS, SYMMETRIC, ENCRYPTING.jwk(use="enc")) as issuer,
        serving(folder / "data", trusting(issuer, new_database(64))) as run,
        client(run.url) as api,
    ):
        programme = enrol(api)
        user = programme.people.application()
        yield World(run, issuer, programme, user, programme.child(), api)


def test_only_an_unknown_key_of_the_issuer_makes_a_call(world: World) -> None:
    """The first test of all: others use up the calls that there may be in a minute."""
    assert 200 == world.reads(good(world))
    before = len(world.issuer.asked)
    unknown = ("kid", "our key", "encrypting")
    bad = [make(world) for name, make in REFUSED.items() if not any(word in name for word in unknown)]
    bad += [STRANGER.sign(world.claims(iss=iss)) for iss in ("growthrings", "https://elsewhere.example", None)]
    bad += [STRANGER.sign(world.claims(), alg="HS256"), STRANGER.sign(world.claims(), alg="none")]
    for token in [good(world), EC.sign(world.claims()), world.programme.token] * 20 + bad:
        world.reads(token)
    assert before == len(world.issuer.asked)
    assert 401 == world.reads(STRANGER.sign(world.claims()))
    assert before + 1 == len(world.issuer.asked)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_token_in_any_asymmetric_algorithm_is_accepted(algorithm: str, world: World) -> None:
    api = world.api.with_token(ALGORITHMS[algorithm].sign(world.claims(), algorithm))
    recorded = WEIGHT.record(api, world.child, timestamp=instant())
    assert recorded in WEIGHT.listed(api, world.child)


def test_a_foreign_token_grants_its_subject_the_same_permissions_as_our_own_token(world: World) -> None:
    me, family = world.programme.people.child(), world.programme.people.family_of(User(world.child, "", "", {}))
    as_child = world.api.with_token(RSA.sign(world.claims(sub=me.id, sub_type="child")))
    as_family = world.api.with_token(RSA.sign(world.claims(sub=family.id, sub_type="family")))
    assert 200 == as_child.get(WEIGHT.path(me.id)).status_code
    assert refusals.FORBIDDEN == refused(as_child.get(WEIGHT.path(world.child)))
    assert 200 == as_family.get(WEIGHT.path(world.child)).status_code
    assert refusals.FORBIDDEN == refused(as_family.get(WEIGHT.path(me.id)))


@pytest.mark.parametrize("scope", [None, "", "measurements:create"], ids=["none", "empty", "another"])
def test_the_scope_of_a_foreign_token_limits_what_it_may_do(scope: str | None, world: World) -> None:
    api = world.api.with_token(RSA.sign(world.claims(scope=scope)))
    assert refusals.FORBIDDEN == refused(api.get(WEIGHT.path(world.child)))


@pytest.mark.parametrize(
    "named",
    [{"sub": UNKNOWN_ID}, {"sub_type": "child"}, {"sub_type": "admin"}, {"sub_type": "family"}, {"sub": "auth0|0815"}],
    ids=str,
)
def test_a_foreign_token_of_a_subject_not_registered_in_its_role_is_refused(
    named: dict[str, str], world: World
) -> None:
    api = world.api.with_token(RSA.sign(world.claims(**named)))
    assert refusals.GONE == refused(api.get(WEIGHT.path(world.child)))


def test_a_foreign_token_of_a_removed_user_is_refused(world: World) -> None:
    user = world.programme.people.application()
    token = RSA.sign(world.claims(sub=user.id))
    assert 200 == world.reads(token)
    world.programme.people.remove(user)
    assert refusals.GONE == refused(world.api.with_token(token).get(WEIGHT.path(world.child)))


@pytest.mark.parametrize("way", ["change", "reset"])
def test_a_foreign_token_issued_before_a_new_password_is_refused(way: str, world: World) -> None:
    people = world.programme.people
    user = people.application()
    before, after = (RSA.sign(world.claims(sub=user.id, iat=int(time.time()) + add)) for add in (0, 20))
    assert [200, 200] == [world.reads(token) for token in (before, after)]
    if way == "change":
        body = {"old_password": user.password, "new_password": "another one"}
        assert 204 == people.as_(user).put(f"/v1/users/{user.id}/password", body).status_code
    else:
        body = {"new_password": "another one"}
        assert 204 == people.admin.post(f"/v1/users/{user.id}/reset-password", body).status_code
    refused_one = world.api.with_token(before)
    assert refusals.BAD_TOKEN == refused(refused_one.get(WEIGHT.path(world.child)))
    assert refusals.BAD_TOKEN == refused(refused_one.post(WEIGHT.path(world.child), WEIGHT.reading()))
    assert 200 == world.reads(after)


@pytest.mark.parametrize(
    "times",
    [{"exp": -20}, {"iat": 20}, {"nbf": 20}, {"iat": 20, "nbf": 20, "exp": 3600}, {"nbf": -20}],
    ids=str,
)
def test_clocks_may_differ_by_half_a_minute(times: dict[str, int], world: World) -> None:
    now = int(time.time())
    assert 200 == world.reads(RSA.sign(world.claims(**{claim: now + offset for claim, offset in times.items()})))


def test_an_expired_foreign_token_is_refused_as_expired(world: World) -> None:
    now = int(time.time())
    api = world.api.with_token(RSA.sign(world.claims(iat=now - 3600, exp=now - 60)))
    assert refusals.EXPIRED == refused(api.get(WEIGHT.path(world.child)))


def test_more_claims_than_ours_hinder_nothing(world: World) -> None:
    more = {"jti": "1", "azp": "app", "email": "a@b.example", "realm_access": {"roles": ["x"]}, "auth_time": 1}
    assert 200 == world.reads(RSA.sign(world.claims(**more), typ="at+jwt"))


@pytest.mark.parametrize("make", REFUSED.values(), ids=REFUSED.keys())
def test_a_token_that_is_not_good_is_refused(make: Callable[[World], str], world: World) -> None:
    api = world.api.with_token(make(world))
    assert refusals.BAD_TOKEN == refused(api.get(WEIGHT.path(world.child)))
    assert refusals.BAD_TOKEN == refused(api.post_raw(WEIGHT.path("x"), "{"))
    assert 200 == world.reads(good(world))


def test_key_addresses_inside_a_token_are_never_fetched(world: World) -> None:
    elsewhere = world.issuer.url.replace("jwks.json", "elsewhere")
    assert 401 == world.reads(STRANGER.sign(world.claims(), kid=RSA.kid, jku=elsewhere, x5u=elsewhere))
    assert {"/jwks.json"} == set(world.issuer.asked)


def test_our_own_tokens_are_ours_and_stay_good(world: World) -> None:
    claims = jwt.decode(world.programme.token, options={"verify_signature": False})
    assert "growthrings" == claims["iss"]
    assert 200 == world.reads(world.programme.token)
    shown = world.api.get("/.well-known/jwks.json").json()["keys"]
    assert [world.own.kid] == [key["kid"] for key in shown]


def test_a_child_that_is_registered_here_logs_in_here_too(world: World) -> None:
    child = world.programme.people.create(CHILD)
    assert 200 == world.programme.people.as_(child).get(WEIGHT.path(child.id)).status_code


@pytest.mark.parametrize("url", ["ftp://issuer.example/jwks", "file:///etc/hosts", "issuer.example", "http://", "-"])
def test_an_invalid_address_of_foreign_keys_is_reported_by_the_name_of_its_setting(url: str, tmp_path: Path) -> None:
    settings = {"GROWTHRINGS_JWKS_URL": url, "GROWTHRINGS_ISSUER": "https://issuer.example"}
    ended = run_briefly("serve", "--data", str(tmp_path / "data"), settings=settings)
    assert 2 == ended.returncode, ended
    assert "GROWTHRINGS_JWKS_URL" in ended.stderr
    assert "Traceback" not in ended.stderr


OURS = "https://growth.example"


@pytest.mark.parametrize(
    ("aud", "status"),
    [
        (OURS, 200),
        (["https://other.example", OURS], 200),
        ("https://other.example", 401),
        (None, 401),
        ([], 401),
        (5, 401),
    ],
    ids=str,
)
def test_a_token_is_for_the_audience_that_is_set(aud: object, status: int, for_an_audience: World) -> None:
    assert status == for_an_audience.reads(RSA.sign(for_an_audience.claims(aud=aud)))
    assert 200 == for_an_audience.reads(for_an_audience.programme.token), "our own have none"


@pytest.fixture(scope="module")
def for_an_audience(new_database: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder: Path = tmp_path_factory.mktemp("audience")
    with issuing(RSA) as issuer:
        settings = {**trusting(issuer, new_database(64)), "GROWTHRINGS_AUDIENCE": OURS}
        with serving(folder / "data", settings) as run, client(run.url) as api:
            programme = enrol(api)
            user = programme.people.application()
            yield World(run, issuer, programme, user, programme.child(), api)
