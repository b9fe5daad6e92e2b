"""Failed logins are counted by user name and address: a guesser has to wait, and locks out no other user."""

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
"""Failures of a name from an address in a minute, when nothing is set."""

LOOSE = 10 * LIMIT
"""Of a name, and from an address."""

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


def used_up(run: Run, username: str, address: str) -> None:
    for _ in range(LIMIT):
        assert refusals.BAD_LOGIN == refused(try_(run, username, address=address))


def used_up_everywhere(run: Run, username: str) -> str:
    """All that there may be of a name, from many addresses; one of them, that has failed."""
    address = ""
    for number in range(LOOSE):
        if number % (LIMIT - 1) == 0:
            address = new_address()
        assert refusals.BAD_LOGIN == refused(try_(run, username, address=address))
    return address


def test_a_name_has_ten_failures_from_an_address_and_others_may_log_in(run: Run, user: User) -> None:
    address = new_address()
    used_up(run, user.username, address)
    too_many(try_(run, user.username, address=address))
    too_many(try_(run, user.username, user.password, address))
    assert 200 == try_(run, user.username, user.password).status_code


def test_an_address_has_a_hundred_failures_whatever_the_names(run: Run, user: User) -> None:
    address = new_address()
    for _ in range(LOOSE):
        assert refusals.BAD_LOGIN == refused(try_(run, unique("nobody"), address=address))
    too_many(try_(run, unique("nobody"), address=address), LOOSE)
    too_many(send(run, {"what": "is not even read"}, address), LOOSE)
    too_many(try_(run, user.username, user.password, address), LOOSE)
    assert 200 == try_(run, user.username, user.password).status_code


def test_logins_that_go_well_do_not_count(run: Run, user: User) -> None:
    address = new_address()
    for _ in range(2 * LIMIT):
        assert 200 == try_(run, user.username, user.password, address).status_code
    used_up(run, user.username, address)


def test_beyond_the_limit_of_a_name_an_address_without_failures_has_one_check(run: Run, user: User) -> None:
    failed = used_up_everywhere(run, user.username)
    too_many(try_(run, user.username, user.password, failed), LOOSE)
    fresh = new_address()
    assert refusals.BAD_LOGIN == refused(try_(run, user.username, address=fresh))
    too_many(try_(run, user.username, user.password, fresh), LOOSE)
    mine = new_address()
    for _ in range(3):
        assert 200 == try_(run, user.username, user.password, mine).status_code


def test_the_checks_beyond_the_limit_of_a_name_are_bounded(run: Run, user: User) -> None:
    used_up_everywhere(run, user.username)
    for _ in range(LOOSE):
        assert refusals.BAD_LOGIN == refused(try_(run, user.username))
    too_many(try_(run, user.username), LOOSE)


def test_guesses_of_an_old_password_count_as_failed_logins(run: Run, user: User) -> None:
    address = new_address()
    token = try_(run, user.username, user.password, address).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    transport = httpx.HTTPTransport(local_address=address, verify=False)
    guess = {"old_password": "wrong", "new_password": "another one"}
    with httpx.Client(transport=transport, timeout=30, headers=headers, base_url=run.url) as http:
        for _ in range(LIMIT):
            assert refusals.OLD_PASSWORD_WRONG == refused(http.put(f"/v1/users/{user.id}/password", json=guess))
        too_many(http.put(f"/v1/users/{user.id}/password", json=guess))
        too_many(http.put(f"/v1/users/{user.id}/password", json=guess | {"old_password": user.password}))
    too_many(try_(run, user.username, user.password, address))
    assert 200 == try_(run, user.username, user.password).status_code


def test_failed_logins_of_a_user_name_do_not_count_against_another(run: Run, user: User, programme: Programme) -> None:
    other, address = programme.people.child(), new_address()
    used_up(run, user.username, address)
    too_many(try_(run, user.username, address=address))
    assert 200 == try_(run, other.username, other.password, address).status_code


def test_a_refused_attempt_does_not_tell_whether_the_name_exists(run: Run, user: User) -> None:
    nobody, address = unique("nobody"), new_address()
    for _ in range(LIMIT + 2):
        here, nowhere = try_(run, user.username, address=address), try_(run, nobody, address=address)
        assert here.status_code == nowhere.status_code
        assert here.headers.keys() == nowhere.headers.keys()
        assert here.json().keys() == nowhere.json().keys()
    too_many(here)
    too_many(nowhere)


def test_of_many_wrong_attempts_at_the_same_moment_exactly_ten_are_looked_at(run: Run, user: User) -> None:
    address = new_address()
    calls = [lambda: try_(run, user.username, address=address)] * (3 * LIMIT)
    assert {401: LIMIT, 429: 2 * LIMIT} == statuses(at_once(calls))


def test_many_right_attempts_at_the_same_moment_all_go_well(run: Run, user: User) -> None:
    address = new_address()
    calls = [lambda: try_(run, user.username, user.password, address)] * (3 * LIMIT)
    assert {200: 3 * LIMIT} == statuses(at_once(calls))


def test_an_invalid_login_request_does_not_count_as_a_login_attempt(run: Run, user: User) -> None:
    address = new_address()
    for _ in range(LOOSE):
        assert 400 == send(run, {"username": user.username}, address).status_code
    assert 200 == try_(run, user.username, user.password, address).status_code


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
def test_nobody_chooses_his_address(header: str, run: Run) -> None:
    address, nobody = new_address(), unique("nobody")
    for number in range(LIMIT + 1):
        said = f"for=10.0.0.{number}" if header == "Forwarded" else f"10.0.0.{number}"
        answer = send(run, {"username": nobody, "password": "x"}, address, **{header: said})
    too_many(answer)


def test_a_user_with_a_token_is_not_affected_by_failed_logins(run: Run, user: User) -> None:
    token, address = try_(run, user.username, user.password).json()["access_token"], new_address()
    used_up(run, user.username, address)
    too_many(try_(run, user.username, address=address))
    with client(run.url, token) as api:
        for _ in range(3 * LIMIT):
            assert 200 == api.get(WEIGHT.path(user.id)).status_code


def test_a_name_may_be_any_text(run: Run, user: User) -> None:
    for username in ("", "\0", "é" * 201, "x" * 100_000, "a:b", "*", "\u2028"):
        assert try_(run, username).status_code in (400, 401, 413)
    assert 200 == try_(run, user.username, user.password).status_code


def test_a_user_who_exceeded_the_login_limit_can_log_in_later(folder: Path, database_url: str, user: User) -> None:
    with serving(folder / "short", settings(database_url, "2/second")) as short:
        address = new_address()
        answers = at_once([lambda: try_(short, user.username, address=address)] * 12)
        refused_ = [answer for answer in answers if answer.status_code == 429]
        assert refused_
        for answer in refused_:
            too_many(answer, 2)
        assert soon(lambda: try_(short, user.username, user.password, address).status_code == 200, 30)


def test_off_counts_nothing(unlimited: Run, user: User) -> None:
    address = new_address()
    for _ in range(3 * LIMIT):
        assert 401 == try_(unlimited, user.username, address=address).status_code
    assert 200 == try_(unlimited, user.username, user.password, address).status_code


@pytest.mark.parametrize(
    "limit", ["ten/minute", "10", "10/", "/minute", "-1/minute", "0/minute", "10/fortnight", "1.5/minute", "none", " "]
)
def test_an_invalid_login_limit_is_reported_by_the_name_of_its_setting(limit: str, tmp_path: Path) -> None:
    ended = run_briefly("serve", "--data", str(tmp_path / "data"), settings={"GROWTHRINGS_LOGIN_LIMIT": limit})
    assert 2 == ended.returncode, ended
    assert "GROWTHRINGS_LOGIN_LIMIT" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "data").exists()
