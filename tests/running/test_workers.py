"""Several API processes on one socket and one database: one that is killed is missed by nobody, and all that are to end
answer what they have been asked."""

import json
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from domain.partition import ACCOUNTS, partition
from tests.acceptance.client import WEIGHT
from tests.running.processes import WITH_PASSWORD, Run, children, run_briefly, serving, soon
from tests.running.programme import Posting, Programme, client, enrol, ids_of, readings
from tests.running.unfinished_request import UnfinishedRequest

NOT_NOW = {"code": 503, "message": "The service cannot answer now!", "description": "Try again in 1 s."}

GIVES_UP = 5.0
"""Seconds within which whoever waits for a partition is answered: 3 are promised, the rest is for a busy machine."""


@dataclass(frozen=True)
class Team:
    """A service with two workers."""

    run: Run
    database_url: str
    programme: Programme

    @property
    def workers(self) -> set[int]:
        return set(children(self.run.data, "api"))


@pytest.fixture(scope="module")
def team(new_database: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    url = new_database(64)
    data = tmp_path_factory.mktemp("team") / "data"
    with serving(data, {**WITH_PASSWORD, "DATABASE_URL": url}, workers=2) as run, client(run.url) as api:
        team = Team(run, url, enrol(api))
        assert soon(lambda: len(team.workers) == 2)
        yield team
        assert "Traceback" not in run.err.read_text()


def test_a_worker_that_is_killed_is_replaced_while_the_other_serves_and_nothing_acknowledged_is_lost(
    team: Team,
) -> None:
    child_id = team.programme.child()
    killed, other = team.workers
    with Posting(team.run.url, team.programme.token, child_id, clients=8) as posting:
        assert posting.goes_on(20)
        os.kill(team.run.process.pid, signal.SIGSTOP)  # so that nobody replaces it yet
        try:
            os.kill(killed, signal.SIGKILL)
            assert soon(lambda: team.workers == {other})
            assert posting.goes_on(100)
        finally:
            os.kill(team.run.process.pid, signal.SIGCONT)
        assert soon(lambda: len(team.workers) == 2)
        assert posting.goes_on(20)
    assert [] == posting.unexpected
    assert team.workers > {other}
    with client(team.run.url, team.programme.token) as api:
        assert set(posting.acknowledged) <= ids_of(api, child_id)


def test_a_session_stuck_on_a_partition_delays_no_other_partition_and_its_waiters_get_503(team: Team) -> None:
    (child_id,) = team.programme.children_apart_from(ACCOUNTS, 1)
    others = team.programme.children_apart_from(child_id, 4)

    def told() -> float:
        """After how many seconds."""
        with client(team.run.url, team.programme.token) as api:
            started = time.monotonic()
            answer = api.post(WEIGHT.path(child_id), readings(1)[0])
            assert (503, NOT_NOW, "1") == (answer.status_code, answer.json(), answer.headers["Retry-After"])
            return time.monotonic() - started

    with psycopg.connect(team.database_url) as stuck, client(team.run.url, team.programme.token) as api:
        stuck.execute("select from heads where part = %s for update", [partition(child_id, 64)])
        with ThreadPoolExecutor(8) as pool:
            waiting: list[Future[float]] = [pool.submit(told) for _ in range(8)]
            served = 0
            while not any(each.done() for each in waiting):
                assert 201 == api.post(WEIGHT.path(others[served % 4]), readings(1)[0]).status_code
                served += 1
        assert served >= 3
        assert max(each.result() for each in waiting) < GIVES_UP
        assert [] == WEIGHT.listed(api, child_id)
        stuck.rollback()
        WEIGHT.record(api, child_id)


def test_a_worker_that_is_frozen_in_an_append_holds_up_the_others_briefly_and_loses_nothing(team: Team) -> None:
    child_id, many = team.programme.child(), readings(10_000)
    frozen, other = team.workers
    with psycopg.connect(team.database_url, autocommit=True) as session, ThreadPoolExecutor(1) as pool:
        appends_take(session, 1)
        session.execute("create trigger slow before insert on events for each statement execute function slow()")
        with ExitStack() as going_on:
            os.kill(other, signal.SIGSTOP)  # so that it is the one to be frozen which is asked
            going_on.callback(os.kill, frozen, signal.SIGCONT)
            try:
                array = pool.submit(posted, team, WEIGHT.path(child_id), many)
                assert soon(lambda: session.execute(APPENDING).fetchall())
                os.kill(frozen, signal.SIGSTOP)
            finally:
                os.kill(other, signal.SIGCONT)
            appends_take(session, 0)
            assert soon(lambda: posted(team, WEIGHT.path(child_id), many[0]).status_code == 201, 60)
        answer = array.result()
        session.execute("drop trigger slow on events")
    assert 207 == answer.status_code
    assert (9_999, 1) == (len(answer.json()["success"]), len(answer.json()["error"]))
    with client(team.run.url, team.programme.token) as api:
        assert 10_000 == len(ids_of(api, child_id))


APPENDING = "select from pg_stat_activity where application_name like 'writer%' and wait_event = 'PgSleep'"


def appends_take(session: psycopg.Connection[Any], seconds: int) -> None:
    body = f"begin perform pg_sleep({seconds}); return null; end"
    session.execute(f"create or replace function slow() returns trigger language plpgsql as '{body}'".encode())


def posted(team: Team, path: str, body: object) -> httpx.Response:
    with client(team.run.url, team.programme.token, timeout=120) as api:
        return api.post(path, body)


def test_draining_workers_answer_accepted_requests_and_refuse_later_ones(team: Team) -> None:
    child_id = team.programme.child()
    port = int(team.run.url.rpartition(":")[2])
    with ExitStack() as ending:
        # Bodies that come to their end only when we say so, until each worker has one.
        asked: dict[int, UnfinishedRequest] = {}
        while asked.keys() != team.workers:
            sent = ending.enter_context(
                UnfinishedRequest(port, WEIGHT.path(child_id), team.programme.token, readings(1)[0])
            )
            if asked.setdefault(worker_of(sent.socket, team.workers), sent) is not sent:
                sent.socket.close()
        kept = ending.enter_context(client(team.run.url, team.programme.token))
        assert 200 == kept.get(WEIGHT.path(child_id)).status_code
        team.run.process.send_signal(signal.SIGTERM)
        assert soon(lambda: httpx.get(f"{team.run.url}/health/live").status_code == 503)
        sent_away(kept.get(WEIGHT.path(child_id)))
        (first, second), answers = asked, []
        answers.append(asked[first].finish())
        # Who has answered all that it was asked is gone, and who has not sends others away until then.
        assert soon(lambda: team.workers == {second})
        sent_away(httpx.post(f"{team.run.url}{WEIGHT.path(child_id)}", json=readings(1)[0]))
        answers.append(asked[second].finish())
    assert [201, 201] == [status for status, _ in answers]
    assert 0 == team.run.process.wait(20)
    with psycopg.connect(team.database_url) as connection:
        stored = connection.execute("select originator_id from events where topic = 'measurement.recorded.v1'")
        assert {f"{child_id}/{json.loads(body)['id']}" for _, body in answers} <= {id for (id,) in stored}
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{team.run.url}/health/live")


def sent_away(answer: httpx.Response) -> None:
    assert (503, NOT_NOW) == (answer.status_code, answer.json())
    assert ("1", "close") == (answer.headers["Retry-After"], answer.headers["Connection"])


def links_of(pid: int) -> Iterator[str]:
    """What the open files of a process are; others may come and go while they are looked at."""
    for file in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            yield os.readlink(file)


def worker_of(ours: socket.socket, workers: set[int]) -> int:
    """Which process has the other end of a connection."""
    ends = [f"{port:04X}" for port in (ours.getpeername()[1], ours.getsockname()[1])]
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        words = line.split()
        if ends == [address[-4:] for address in words[1:3]]:
            end = f"socket:[{words[9]}]"
    (found,) = [pid for pid in workers if end in links_of(pid)]
    return found


def test_workers_that_would_count_limits_apart_are_refused(tmp_path: Path) -> None:
    settings = {**WITH_PASSWORD, "GROWTHRINGS_LOGIN_LIMIT": "10/minute"}
    ended = run_briefly("serve", "--data", str(tmp_path / "data"), "--workers", "2", settings=settings)
    assert (2, "") == (ended.returncode, ended.stdout)
    assert "REDIS_URL" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "data").exists()
