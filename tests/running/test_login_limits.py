"""Logins are counted by user name and by address: who tries too often waits, and learns nothing by it."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import httpx
import pytest

from tests.acceptance import refusals
from tests.acceptance.client import WEIGHT, Body, User, at_once, refused, statuses
from tests.acceptance.people import unique
from tests.running.processes import WITH_PASSWORD, Run, run_briefly, serving, soon
from tests.running.programme import Programme, client, enrol
from tests.service import free_port

LIMIT = 10
"""Of a minute, when nothing is set."""

_addresses = count(2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("logins")


@pytest.fixture(scope="module")
def database_url(new_database: Callable[..., str]) -> str:
    return new_database(64)


def settings(database_url: str, limit: str) -> dict[str, str]:
    return {**WITH_PASSWORD, "DATABASE_URL": database_url, "GROWTHRINGS_LOGIN_LIMIT": limit}


@pytest.fixture(scope="module")
def run(folder: Path, database_url: str) -> Iterator[Run]:
    """With what is set by default, and a Redis that is not there."""
    nowhere = {"REDIS_URL": f"redis://127.0.0.1:{free_port()}"}
    with serving(folder / "limited", {**settings(database_url, ""), **nowhere}) as running:
        yield running


@pytest.fixture(scope="module")
def unlimited(folder: Path, database_url: str) -> Iterator[Run]:
    with serving(folder / "unlimited", settings(database_url, "off")) as running:
        yield running


@pytest.fixture(scope="module")
def programme(unlimited: Run) -> Iterator[Programme]:
    with client(unlimited.url) as api:
        yield enrol(api)


@pytest.fixture
def user(programme: Programme) -> User:
    return programme.people.child()


def new_address() -> str:
    """One of this machine's own from which nobody has come."""
    number = next(_addresses)
    return f"127.0.{number // 250}.{number % 250 + 2}"


def send(run: Run, body: Body, address: str | None = None, **headers: str) -> httpx.Response:
    """A login from an address, which is new unless it is told."""
    transport = httpx.HTTPTransport(local_address=address or new_address(), verify=False)
    with httpx.Client(transport=transport, timeout=30) as http:
        return http.post(f"{run.url}/v1/auth", json=body, headers=headers)


def try_(run: Run, username: str, password: str = "wrong", address: str | None = None) -> httpx.Response:
    return send(run, {"username": username, "password": password}, address)


def too_many(response: httpx.Response, limit: int = LIMIT) -> None:
    seconds = int(response.headers["Retry-After"])
    assert 1 <= seconds <= 60
    assert refusals.refusal(429, "Too many requests!", f"Try again in {seconds} s.") == refused(response)
    assert (str(limit), "0") == (response.headers["RateLimit-Limit"], response.headers["RateLimit-Remaining"])
    assert 0 <= int(response.headers["RateLimit-Reset"]) <= 60


def used_up(run: Run, username: str, address: str | None = None) -> None:
    for _ in range(LIMIT):
        assert refusals.BAD_LOGIN == refused(try_(run, username, address=address))


def test_a_name_has_ten_attempts_from_wherever_they_come(run: Run, user: User) -> None:
    used_up(run, user.username)
    too_many(try_(run, user.username))
    too_many(try_(run, user.username, user.password))


def test_an_address_has_ten_attempts_whatever_the_names(run: Run, user: User) -> None:
    address = new_address()
    for _ in range(LIMIT):
        assert refusals.BAD_LOGIN == refused(try_(run, unique("nobody"), address=address))
    too_many(try_(run, unique("nobody"), address=address))
    too_many(try_(run, user.username, user.password, address))
    assert 200 == try_(run, user.username, user.password).status_code


def test_attempts_that_go_well_count_too(run: Run, user: User) -> None:
    address = new_address()
    for _ in range(LIMIT):
        assert 200 == try_(run, user.username, user.password, address).status_code
    too_many(try_(run, user.username, user.password, address))


def test_one_name_takes_no_attempts_from_another(run: Run, user: User, programme: Programme) -> None:
    other = programme.people.child()
    used_up(run, user.username)
    too_many(try_(run, user.username))
    assert 200 == try_(run, other.username, other.password).status_code


def test_a_refused_attempt_does_not_tell_whether_the_name_exists(run: Run, user: User) -> None:
    nobody = unique("nobody")
    for _ in range(LIMIT + 2):
        here, nowhere = try_(run, user.username), try_(run, nobody)
        assert here.status_code == nowhere.status_code
        assert here.headers.keys() == nowhere.headers.keys()
        assert here.json().keys() == nowhere.json().keys()
    too_many(here)
    too_many(nowhere)


def test_of_many_attempts_at_the_same_moment_exactly_ten_are_looked_at(run: Run, user: User) -> None:
    calls = [lambda: try_(run, user.username, user.password)] * (3 * LIMIT)
    assert {200: LIMIT, 429: 2 * LIMIT} == statuses(at_once(calls))


def test_what_is_no_attempt_is_not_counted(run: Run, user: User) -> None:
    address = new_address()
    for _ in range(LIMIT):
        assert 400 == send(run, {"username": user.username}, address).status_code
        assert 400 == send(run, {"password": "x"}, address).status_code
    assert 200 == try_(run, user.username, user.password, address).status_code


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
def test_nobody_chooses_his_address(header: str, run: Run) -> None:
    address = new_address()
    for number in range(LIMIT + 1):
        said = f"for=10.0.0.{number}" if header == "Forwarded" else f"10.0.0.{number}"
        answer = send(run, {"username": unique("nobody"), "password": "x"}, address, **{header: said})
    too_many(answer)


def test_who_has_logged_in_goes_on(run: Run, user: User) -> None:
    token = try_(run, user.username, user.password).json()["access_token"]
    for _ in range(LIMIT):
        try_(run, user.username)
    too_many(try_(run, user.username))
    with client(run.url, token) as api:
        for _ in range(3 * LIMIT):
            assert 200 == api.get(WEIGHT.path(user.id)).status_code


def test_a_name_may_be_any_text(run: Run, user: User) -> None:
    for username in ("", "\0", "é" * 201, "x" * 100_000, "a:b", "*", "\u2028"):
        assert try_(run, username).status_code in (400, 401)
    assert 200 == try_(run, user.username, user.password).status_code


def test_who_was_refused_may_try_again_later(folder: Path, database_url: str, user: User) -> None:
    with serving(folder / "short", settings(database_url, "2/second")) as short:
        answers = at_once([lambda: try_(short, user.username, user.password)] * 12)
        refused_ = [answer for answer in answers if answer.status_code == 429]
        assert refused_
        for answer in refused_:
            too_many(answer, 2)
        assert soon(lambda: try_(short, user.username, user.password).status_code == 200, 30)


def test_off_counts_nothing(unlimited: Run, user: User) -> None:
    address = new_address()
    for _ in range(3 * LIMIT):
        assert 401 == try_(unlimited, user.username, address=address).status_code
    assert 200 == try_(unlimited, user.username, user.password, address).status_code


@pytest.mark.parametrize(
    "limit", ["ten/minute", "10", "10/", "/minute", "-1/minute", "0/minute", "10/fortnight", "1.5/minute", "none", " "]
)
def test_a_limit_that_cannot_be_meant_is_told_by_its_name(limit: str, tmp_path: Path) -> None:
    ended = run_briefly("serve", "--data", str(tmp_path / "data"), settings={"GROWTHRINGS_LOGIN_LIMIT": limit})
    assert 2 == ended.returncode, ended
    assert "GROWTHRINGS_LOGIN_LIMIT" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "data").exists()
