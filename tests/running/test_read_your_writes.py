"""A client that got the response to a command sees its effect in the next query, through any process."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from projections.projector.projector import CHANNEL
from tests.acceptance.client import BODY_FAT, WEIGHT, Api, Kind
from tests.running.processes import PASSWORD, Run, serving
from tests.running.programme import Programme, client, enrol, instant, readings

CLIENTS = 20
ROUNDS = 50
"""Of each client: 1,000 together."""


@pytest.fixture(scope="module")
def database_url(new_database: Callable[..., str]) -> str:
    return new_database(64)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("readers")


def settings(database_url: str) -> dict[str, str]:
    """How long an answer waits for its view is not what is asked here, and a machine may be busy."""
    return {"DATABASE_URL": database_url, "GROWTHRINGS_ADMIN_PASSWORD": PASSWORD, "GROWTHRINGS_READ_WAIT": "15"}


@pytest.fixture(scope="module")
def one(folder: Path, database_url: str) -> Iterator[Run]:
    """Two processes behind one address."""
    with serving(folder / "one", settings(database_url), workers=2) as run:
        yield run


@pytest.fixture(scope="module")
def other(folder: Path, database_url: str, one: Run) -> Iterator[Run]:
    """On another machine: the same database, and a folder of keys that both share."""
    with serving(folder / "other", settings(database_url) | {"GROWTHRINGS_KEYS": str(one.data / "keys")}) as run:
        yield run


@pytest.fixture(scope="module")
def programme(one: Run) -> Iterator[Programme]:
    with client(one.url) as api:
        yield enrol(api)


def test_a_question_right_after_a_command_sees_it_a_thousand_times(one: Run, programme: Programme) -> None:
    all_see_what_they_write(one, one, programme.children(CLIENTS), programme.token)


def test_a_question_right_after_the_largest_batch_sees_all_of_it(one: Run, programme: Programme) -> None:
    child_id = programme.child()
    with client(one.url, programme.token) as api:
        answer = api.post(WEIGHT.path(child_id), readings(10_000))
        listed = api.get(WEIGHT.path(child_id))
        assert (207, 200) == (answer.status_code, listed.status_code)
        assert "10000" == listed.headers["X-Total-Count"]


def test_a_query_to_another_process_sees_the_preceding_command(one: Run, other: Run, programme: Programme) -> None:
    children = programme.children(CLIENTS)
    all_see_what_they_write(one, other, children, programme.token, rounds=ROUNDS // 4)
    all_see_what_they_write(other, one, children, programme.token, rounds=ROUNDS // 4)


def test_a_query_to_another_process_sees_the_preceding_command_during_batches(
    one: Run, other: Run, programme: Programme
) -> None:
    with batches(other, programme) as busy:
        children = programme.children_apart_from(busy.child_id, CLIENTS)
        all_see_what_they_write(one, other, children, programme.token, rounds=6)


def test_registrations_and_removals_through_a_process_are_seen_at_once_by_another(
    one: Run, other: Run, programme: Programme
) -> None:
    with client(other.url, programme.token) as api:
        for _ in range(25):
            child = programme.people.child()
            WEIGHT.record(api, child.id, timestamp=instant())
            programme.people.remove(child)
            assert 400 == api.post(WEIGHT.path(child.id), readings(1)[0]).status_code
            assert 400 == api.get(WEIGHT.path(child.id)).status_code


def test_nobody_waits_for_the_projector_to_look_by_itself(one: Run, database_url: str, programme: Programme) -> None:
    """Polling is only the safety net: a notification wakes the projector."""
    child_id = programme.child()
    with psycopg.connect(database_url, autocommit=True) as connection, client(one.url, programme.token) as api:
        connection.execute(f"listen {CHANNEL}".encode())
        for _ in range(20):
            WEIGHT.record(api, child_id, timestamp=instant())
            WEIGHT.listed(api, child_id)
        assert list(connection.notifies(timeout=1, stop_after=1))


def test_a_question_about_the_child_whose_batches_come_at_full_speed_sees_the_command_before_it(
    one: Run, programme: Programme
) -> None:
    with batches(one, programme) as busy, client(one.url, programme.token) as api:
        for _ in range(20):
            sees_what_it_writes(api, api, BODY_FAT, busy.child_id, removes=False)


def all_see_what_they_write(writes: Run, reads: Run, children: list[str], token: str, rounds: int = ROUNDS) -> None:
    """A client for each child: half of them write weights, half of them body fats."""

    def one_client(number: int) -> None:
        kind = (WEIGHT, BODY_FAT)[number % 2]
        with client(writes.url, token) as writing, client(reads.url, token) as reading:
            for turn in range(rounds):
                sees_what_it_writes(writing, reading, kind, children[number], removes=turn % 2 == 0)

    with ThreadPoolExecutor(len(children)) as pool:
        list(pool.map(one_client, range(len(children))))


def sees_what_it_writes(writing: Api, reading: Api, kind: Kind, child_id: str, *, removes: bool) -> None:
    recorded = kind.record(writing, child_id, timestamp=instant())
    assert [recorded] == kind.listed(reading, child_id, "limit=1")
    path = kind.path(child_id, recorded["id"])
    answer = reading.get(path)
    assert (200, recorded) == (answer.status_code, answer.json())
    if removes:
        assert 204 == writing.delete(path).status_code
        assert 404 == reading.get(path).status_code
        assert recorded not in kind.listed(reading, child_id, "limit=1")


@dataclass(frozen=True)
class Busy:
    child_id: str
    accepted: list[int]


@contextmanager
def batches(run: Run, programme: Programme) -> Iterator[Busy]:
    """A client that sends arrays of 1,000 weights of a child, one right after another."""
    ended = threading.Event()
    busy = Busy(programme.child(), [])

    def send() -> None:
        with client(run.url, programme.token) as api:
            while not ended.is_set():
                answer = api.post(WEIGHT.path(busy.child_id), readings(1_000))
                busy.accepted.append(len(answer.json()["success"]))

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield busy
    finally:
        ended.set()
        thread.join()
    assert {1_000} == set(busy.accepted)
