"""The keys of another issuer: when they are fetched, how they change, and which requests its faults affect."""

import gzip
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.acceptance import refusals
from tests.acceptance.client import WEIGHT, Api, User, at_once, refused, statuses
from tests.acceptance.refusals import BAD_TOKEN
from tests.running.issuer import Answer, Issuer, Key, base64, claims_of, issuing, new_key, plain, trusting
from tests.running.processes import WITH_PASSWORD, serving, soon
from tests.running.programme import Programme, client, enrol, instant
from tests.running.single_api import answering

FETCHES_A_MINUTE = 5
KNOWN, NEW, STRANGER = new_key(), new_key("ES256"), new_key()
UNREADABLE: list[object] = [
    {},
    {"kty": "RSA", "kid": "without numbers"},
    {"kty": "RSA", "kid": "small", "n": base64(b"\x07").decode(), "e": "AQAB"},
    {"kty": "RSA", "kid": "no base64", "n": "§", "e": 3},
    {"kty": "EC", "kid": "off the curve", "crv": "P-256", "x": "AQ", "y": "AQ"},
    {"kty": "EC", "kid": "another curve", "crv": "secp112r1", "x": "AQ", "y": "AQ"},
    {"kty": "AKP", "kid": "of tomorrow", "alg": "ML-DSA-44", "pub": "AQ"},
    {"kty": ["RSA"], "kid": {}, "n": None},
    {"kty": "oct", "kid": KNOWN.kid, "k": "AQ"},
    {"kty": "oct", "kid": "without a secret"},
    {"kty": "oct", "kid": "without a secret", "use": "sig", "alg": "HS256"},
    {"kty": "RSA", "kid": "no number", "n": 5, "e": [], "alg": "RS256"},
    {"kty": "OKP", "kid": "nothing", "crv": "Ed25519"},
    "no object",
    None,
]


@dataclass(frozen=True)
class World:
    """A service that trusts an issuer, and an application that is registered there."""

    issuer: Issuer
    programme: Programme
    user: User
    child: str
    api: Api

    def ask(self, key: Key) -> httpx.Response:
        """A question with a fresh token that the key signed."""
        return self.ask_with(key.sign(claims_of(self.user.id)))

    def ask_with(self, token: str) -> httpx.Response:
        return self.api.with_token(token).get(WEIGHT.path(self.child))

    def accepts(self, key: Key) -> bool:
        return self.ask(key).status_code == 200

    def is_well(self) -> bool:
        """Whether all who need no keys of the issuer are served."""
        WEIGHT.record(self.programme.people.as_(self.user), self.child, timestamp=instant())
        return self.ask_with(self.programme.token).status_code == 200


class Trusting:
    """Starts API processes that trust an issuer, all on one database, whose views another service keeps."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self.folder, self.database_url = folder, database_url

    @contextmanager
    def __call__(self, issuer: Issuer) -> Iterator[World]:
        data = self.folder / issuer.url.split(":")[2].split("/")[0]
        with answering(data, trusting(issuer, self.database_url)) as run, client(run.url) as api:
            programme = enrol(api)
            yield World(issuer, programme, programme.people.application(), programme.child(), api)
            assert "Traceback" not in run.err.read_text()


@pytest.fixture(scope="module")
def service(new_database: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trusting]:
    folder, database_url = tmp_path_factory.mktemp("keys"), new_database(64)
    with serving(folder / "views", {**WITH_PASSWORD, "DATABASE_URL": database_url}):
        yield Trusting(folder, database_url)


def most_in_a_minute(moments: list[float]) -> int:
    """Leaving out a second, by which the clocks of who asks and who is asked may differ."""
    return max(sum(first <= moment < first + 59 for moment in moments) for first in moments)


def unavailable(response: httpx.Response) -> None:
    seconds = int(response.headers["Retry-After"])
    assert seconds > 0
    said = f"Try again in {seconds} s."
    assert refusals.refusal(503, "The service cannot answer now!", said) == refused(response)


def test_a_new_key_is_good_for_everyone_who_brings_it_first_and_an_old_one_no_longer(service: Trusting) -> None:
    with issuing(KNOWN) as issuer, service(issuer) as world:
        assert world.accepts(KNOWN)
        issuer.publish(NEW)
        before = len(issuer.fetched)
        assert {200: 24} == statuses(at_once([lambda: world.ask(NEW)] * 24))
        assert 1 <= len(issuer.fetched) - before <= FETCHES_A_MINUTE - 1
        assert BAD_TOKEN == refused(world.ask(KNOWN))
        assert world.accepts(NEW)


def test_unknown_keys_cause_few_fetches(service: Trusting) -> None:
    with issuing(KNOWN) as issuer, service(issuer) as world:
        assert world.accepts(KNOWN)
        before = len(issuer.fetched)
        stranger = claims_of(world.user.id)
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda n: world.ask_with(STRANGER.sign(stranger, kid=f"kid {n}")), range(100)))
        assert {401: 100} == statuses(answers)
        assert most_in_a_minute(issuer.fetched[before:]) <= FETCHES_A_MINUTE
        assert world.accepts(KNOWN)
        assert world.is_well()


def test_an_issuer_that_has_never_answered_delays_only_requests_with_its_tokens(service: Trusting) -> None:
    with issuing(KNOWN) as issuer:
        issuer.down()
        with service(issuer) as world:
            unavailable(world.ask(KNOWN))
            assert world.is_well()
            issuer.answer = plain(b"out of order", 500)
            issuer.up()
            unavailable(world.ask(KNOWN))
            assert world.is_well()
            issuer.answer = None
            assert soon(lambda: world.accepts(KNOWN), 90)
            issuer.down()
            assert world.accepts(KNOWN)


def test_a_token_that_does_not_name_the_issuer_waits_for_no_answer_of_it(service: Trusting) -> None:
    with issuing() as issuer:
        issuer.down()
        with service(issuer) as world:
            for iss in ("growthrings", "https://elsewhere.example", None):
                token = STRANGER.sign(claims_of(world.user.id, iss=iss))
                assert BAD_TOKEN == refused(world.ask_with(token))


@pytest.mark.parametrize(
    "contents",
    [(b"<html>", b'{"keys": [', b"[]"), (b'{"keys": 5}', b"{}", b'"' + b"x" * 20_000_000 + b'"')],
    ids=["unreadable", "no keys"],
)
def test_an_answer_that_is_no_set_of_keys_takes_none_away(contents: tuple[bytes, ...], service: Trusting) -> None:
    with issuing(KNOWN) as issuer, service(issuer) as world:
        assert world.accepts(KNOWN)
        for content in contents:
            before = len(issuer.fetched)
            issuer.answer = plain(content)
            assert BAD_TOKEN == refused(world.ask(STRANGER))
            assert before + 1 == len(issuer.fetched)
            assert world.accepts(KNOWN)
        assert world.is_well()


def test_a_packed_answer_is_not_unpacked(service: Trusting) -> None:
    with issuing(KNOWN) as issuer, service(issuer) as world:
        assert world.accepts(KNOWN)
        packed = gzip.compress(b'{"keys": [' + b" " * 50_000_000 + b"]}")
        issuer.answer = Answer(lambda: [packed], headers={"Content-Encoding": "gzip"})
        assert BAD_TOKEN == refused(world.ask(STRANGER))
        assert world.accepts(KNOWN)
        assert world.is_well()


@pytest.mark.parametrize("spoil", [Issuer.endless, Issuer.dripping])
def test_an_answer_without_end_keeps_nobody_waiting(spoil: Callable[[Issuer], Any], service: Trusting) -> None:
    with issuing(KNOWN) as issuer, service(issuer) as world:
        assert world.accepts(KNOWN)
        issuer.spoil(lambda: spoil(issuer))
        with ThreadPoolExecutor() as pool:
            stranger = pool.submit(world.ask, STRANGER)
            assert soon(lambda: len(issuer.fetched) > 1 or stranger.done())
            for _ in range(10):
                assert world.is_well()
                assert world.accepts(KNOWN)
            assert BAD_TOKEN == refused(stranger.result())


def test_a_key_that_cannot_be_read_hides_no_other(service: Trusting) -> None:
    with issuing(*UNREADABLE, KNOWN, STRANGER.jwk(use="enc"), *UNREADABLE) as issuer, service(issuer) as world:
        assert world.accepts(KNOWN)
        assert BAD_TOKEN == refused(world.ask(STRANGER))


def test_a_start_waits_for_no_issuer_and_who_needs_its_keys_does(service: Trusting) -> None:
    with issuing(KNOWN) as issuer:
        issuer.open.clear()
        with service(issuer) as world, ThreadPoolExecutor() as pool:
            asking = pool.submit(world.ask, KNOWN)
            assert soon(lambda: issuer.fetched)
            assert world.is_well()
            issuer.open.set()
            answer = asking.result()
            assert 200 == answer.status_code, answer.text


def test_a_key_that_was_published_during_a_fetch_is_good_at_once(service: Trusting) -> None:
    """A response from before its publication does not decide."""
    with issuing(KNOWN) as issuer, service(issuer) as world, ThreadPoolExecutor() as pool:
        assert world.accepts(KNOWN)
        issuer.open.clear()
        before = len(issuer.fetched)
        stranger = pool.submit(world.ask, STRANGER)
        assert soon(lambda: len(issuer.fetched) > before)
        issuer.publish(KNOWN, NEW)
        asking = pool.submit(world.ask, NEW)
        threading.Event().wait(0.5)  # so that the second meets the first on its way
        issuer.open.set()
        assert 401 == stranger.result().status_code
        assert 200 == asking.result().status_code


def test_a_key_that_the_issuer_shows_under_a_kid_of_ours_signs_nothing_in_our_name(service: Trusting) -> None:
    with issuing(KNOWN) as issuer, service(issuer) as world:
        (ours,) = world.api.get("/.well-known/jwks.json").json()["keys"]
        same = Key(ours["kid"], NEW.private, NEW.algorithm)
        issuer.publish(KNOWN, same, NEW)
        assert world.accepts(NEW)
        assert BAD_TOKEN == refused(world.ask_with(same.sign(claims_of(world.user.id, iss="growthrings"))))
        assert world.is_well()
