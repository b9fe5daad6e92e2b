"""Requests are counted by client: over all processes while Redis is reachable, by each process while it is not."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from itertools import count, cycle
from pathlib import Path

import httpx
import pytest

from tests.acceptance.client import WEIGHT, Api, User, at_once, statuses
from tests.acceptance.people import APPLICATION
from tests.acceptance.refusals import refusal
from tests.running.processes import WITH_PASSWORD, Run, serving, soon
from tests.running.programme import Programme, client, enrol, instant
from tests.valkey import Valkey, valkey

MOST = 20

PROXY = "127.0.0.9"

SECRET = "s3cret"

_addresses = count(2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("limits")


@pytest.fixture(scope="module")
def redis(folder: Path) -> Iterator[Valkey]:
    with valkey(folder, SECRET) as running:
        yield running


@pytest.fixture(scope="module")
def settings(new_database: Callable[..., str], redis: Valkey) -> dict[str, str]:
    """A machine that is slow for a while is not to be taken for a Redis that is away."""
    return {
        **WITH_PASSWORD,
        "DATABASE_URL": new_database(64),
        "REDIS_URL": redis.url,
        "GROWTHRINGS_REDIS_WAIT": "20",
        "GROWTHRINGS_RATE_LIMIT_MEASUREMENTS": f"{MOST}/hour",
        "GROWTHRINGS_RATE_LIMIT_OUTCOMES": f"{MOST}/hour",
        "GROWTHRINGS_LOGIN_LIMIT": f"{MOST}/hour",
    }


@pytest.fixture(scope="module")
def one(folder: Path, settings: dict[str, str]) -> Iterator[Run]:
    with serving(folder / "one", settings) as run:
        yield run


@pytest.fixture(scope="module")
def other(folder: Path, settings: dict[str, str], one: Run) -> Iterator[Run]:
    """On another machine, behind a proxy: the same database, keys and Redis."""
    shutil.copytree(one.data / "keys", folder / "other" / "keys")
    with serving(folder / "other", {**settings, "GROWTHRINGS_TRUSTED_PROXIES": f"{PROXY}, 10.0.0.0/8"}) as run:
        yield run


@pytest.fixture(scope="module")
def programme(one: Run) -> Iterator[Programme]:
    with client(one.url) as api:
        yield enrol(api)


@pytest.fixture(scope="module")
def child(programme: Programme) -> str:
    return programme.child()


@pytest.fixture
def somebody(programme: Programme) -> Iterator[Api]:
    """An application that has asked for nothing yet, at the first process."""
    with at_address(str(programme.application.http.base_url), new_address()) as http:
        yield Api(http).as_(programme.people.create(APPLICATION))


def login(user: User, password: str | None = None) -> dict[str, str]:
    return {"username": user.username, "password": password or user.password}


def new_address() -> str:
    """One of this machine's own from which nobody has come."""
    return f"127.1.0.{next(_addresses)}"


def at_address(url: str, address: str) -> httpx.Client:
    return httpx.Client(base_url=url, transport=httpx.HTTPTransport(local_address=address, verify=False), timeout=30)


def weights(api: Api, child: str, runs: Sequence[Run], number: int) -> list[httpx.Response]:
    """So many posts of a weight each at the same moment, to one process after another."""
    urls = [run.url for _, run in zip(range(number), cycle(runs), strict=False)]

    def post(url: str) -> httpx.Response:
        with client(url, api.token) as here:
            return here.post(WEIGHT.path(child), WEIGHT.reading(timestamp=instant()))

    return at_once([lambda url=url: post(url) for url in urls])  # type: ignore[misc]


def used_up(ask: Callable[[], httpx.Response], status: int) -> httpx.Response:
    """What is answered to one more than may ask."""
    assert [status] * MOST == [ask().status_code for _ in range(MOST)]
    return ask()


def told(answer: httpx.Response) -> int:
    """The seconds of a 429, which all its headers say."""
    assert 429 == answer.status_code, answer.text
    wait = answer.headers["Retry-After"]
    said = [answer.headers[f"RateLimit-{name}"] for name in ("Limit", "Remaining", "Reset")]
    assert [str(MOST), "0", wait] == said
    assert 1 <= int(wait) <= 3600
    return int(wait)


def test_of_many_requests_to_two_processes_exactly_as_many_get_through_as_may(
    one: Run, other: Run, somebody: Api, child: str, programme: Programme
) -> None:
    before = len(WEIGHT.listed(programme.application, child, "limit=1000"))
    answers = weights(somebody, child, [one, other], 3 * MOST)
    assert {201: MOST, 429: 2 * MOST} == statuses(answers)
    for answer in answers:
        if answer.status_code == 429:
            assert refusal(429, "Too many requests!", f"Try again in {told(answer)} s.") == answer.json()
    assert before + MOST == len(WEIGHT.listed(programme.application, child, "limit=1000"))


def test_a_batch_counts_as_one_and_a_refusal_comes_before_the_body_is_read(somebody: Api, child: str) -> None:
    batches = iter(range(1, MOST + 2))

    def send() -> httpx.Response:
        readings = [WEIGHT.reading(timestamp=instant()) for _ in range(next(batches))]
        return somebody.post(WEIGHT.path(child), readings)

    told(used_up(send, 207))
    told(somebody.post_raw(WEIGHT.path(child), "no JSON"))
    told(somebody.request("POST", WEIGHT.path(child), b"{}", content_type="text/plain"))
    told(somebody.post(WEIGHT.path("no id"), {}))
    told(somebody.delete(WEIGHT.path(child, child)))


def test_a_family_with_its_own_limit_counts_for_itself_and_answers_in_its_own_envelope(
    somebody: Api, child: str
) -> None:
    told(used_up(lambda: somebody.get(WEIGHT.path(child)), 200))
    answer = used_up(lambda: somebody.get("/v1/outcomes"), 200)
    assert {"error": "rate_limited", "message": f"Try again in {told(answer)} s."} == answer.json()
    assert 403 == somebody.get("/v1/institutions").status_code


def test_forbidden_requests_count_towards_the_rate_limit(programme: Programme, child: str) -> None:
    told(used_up(lambda: programme.people.admin.post(WEIGHT.path(child), {}), 403))


def test_without_a_good_token_a_request_counts_for_its_address(one: Run, somebody: Api, child: str) -> None:
    address, path, names = new_address(), WEIGHT.path(child), count()
    with at_address(one.url, address) as here, at_address(one.url, new_address()) as elsewhere:

        def guess() -> httpx.Response:
            """A token, and an address from which to be."""
            number = next(names)
            forged = {"X-Forwarded-For": f"10.0.0.{number}", "Forwarded": f"for=10.0.0.{number}"}
            return here.get(path, headers={"Authorization": f"Bearer guess{number}", **forged})

        told(used_up(guess, 401))
        told(here.post(path, content=b"no JSON"))
        assert 401 == elsewhere.get(path).status_code
        assert 200 == here.get(path, headers={"Authorization": f"Bearer {somebody.token}"}).status_code


def test_only_a_trusted_proxy_says_for_whom_it_asks(other: Run, child: str) -> None:
    path, numbers = WEIGHT.path(child), count()
    with at_address(other.url, PROXY) as proxy, at_address(other.url, new_address()) as stranger:
        ann = {"X-Forwarded-For": "192.0.2.1, 198.51.100.1, 10.1.2.3"}  # the first is what she says herself
        told(used_up(lambda: proxy.get(path, headers=ann), 401))
        told(proxy.get(path, headers={"X-Forwarded-For": "192.0.2.2, 198.51.100.1"}))
        assert 401 == proxy.get(path, headers={"X-Forwarded-For": "192.0.2.1"}).status_code
        told(used_up(lambda: stranger.get(path, headers={"X-Forwarded-For": f"192.0.3.{next(numbers)}"}), 401))


def test_logins_of_a_name_and_from_an_address_are_counted_over_all_processes(
    one: Run, other: Run, programme: Programme
) -> None:
    user, address, urls = programme.people.child(), new_address(), cycle((one.url, other.url))

    def try_(body: dict[str, str], address: str) -> httpx.Response:
        with at_address(next(urls), address) as here:
            return here.post("/v1/auth", json=body)

    told(used_up(lambda: try_(login(user, "wrong"), address), 401))
    for _ in range(2):
        told(try_(login(user), address))
        assert 200 == try_(login(user), new_address()).status_code


def test_public_endpoints_do_not_count_towards_the_rate_limit(one: Run) -> None:
    with client(one.url) as anybody:
        for path, status in (("/health/live", 200), ("/.well-known/jwks.json", 200), ("/nowhere", 404)):
            assert {status: 2 * MOST} == statuses(anybody.get(path) for _ in range(2 * MOST))


def test_while_redis_is_away_each_process_counts_and_then_all_do_together_again(
    one: Run, other: Run, redis: Valkey, programme: Programme, somebody: Api, child: str
) -> None:
    redis.kill()
    for run in (one, other):
        assert {201: MOST, 429: MOST} == statuses(weights(somebody, child, [run], 2 * MOST))
        assert ["away"] == heard_of(run)
    redis.start()
    for run in (one, other):
        assert soon(lambda run=run: heard_of(run) == ["away", "back"])  # type: ignore[misc]
    assert {201: MOST, 429: 2 * MOST} == statuses(weights(somebody, child, [one, other], 3 * MOST))
    for run in (one, other):
        assert SECRET not in run.told + run.err.read_text()


def heard_of(run: Run) -> list[str]:
    """What the log says of Redis."""
    said = [str(entry["event"]) for entry in run.logged]
    return [event.removeprefix("redis is ").partition(":")[0] for event in said if event.startswith("redis is ")]
