"""Rebuilds as processes, where they are held up, and clients that write and read beside them."""

import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg

from tests.acceptance.client import BODY_FAT, WEIGHT, Api
from tests.acceptance.outcomes import Outcome, answer, new_outcome
from tests.acceptance.people import CHILD, People
from tests.running.processes import command, environment, processes_of, soon
from tests.running.programme import Programme, client, instant
from tests.service import ROOT

STALLS = {
    "begins": "lock table leases in share mode",
    "is in the middle of a page": "lock table places in share mode",
    "has grown some partitions": "insert into places (part, view, generation, seq)"
    " select e.part, 'measurements', (select max(generation) from views where view = 'measurements'), max(e.seq)"
    " from events e group by e.part order by e.part desc limit 1",
    "compares": "select l.part from leases l join views v on v.view = l.view and v.generation = l.generation"
    " where v.view = 'measurements' and v.live and l.part = 3 for update of l",
    "switches": "select count(*), pg_sleep(0.01) from measurements",
}
"""What another session does in an open transaction, so that a rebuild of the measurements waits when it …"""


WAITING = """
select count(*) from pg_stat_activity
where datname = current_database() and wait_event_type = 'Lock' and starts_with(application_name, %s)
"""


def ask(url: str, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(statement.encode(), values or None).fetchall()


@contextmanager
def in_the_way(url: str, statement: str) -> Iterator[None]:
    """A session that does this, and then nothing, with its transaction open until the block ends."""
    with psycopg.connect(url) as connection:
        connection.execute(statement.encode())
        yield
        connection.rollback()


def waiting(url: str, kind: str = "rebuild") -> int:
    """How many sessions of rebuilds, or of those who help them (`grow`), wait for somebody."""
    ((count,),) = ask(url, WAITING, f"{kind}-")
    return int(count)


def waits(url: str, seconds: float = 60.0) -> bool:
    """Whether a rebuild comes to wait within so many seconds, be it for a moment."""
    with psycopg.connect(url, autocommit=True) as connection:
        return soon(lambda: connection.execute(WAITING, ["rebuild-"]).fetchone() != (0,), seconds)


def sessions(url: str) -> list[str]:
    asked = (
        "select application_name from pg_stat_activity where datname = current_database()"
        " and (starts_with(application_name, 'rebuild-') or starts_with(application_name, 'grow-'))"
    )
    return [name for (name,) in ask(url, asked)]


def live(url: str) -> dict[str, int]:
    """The generation of each view that serves."""
    return dict(ask(url, "select view, generation from views where live"))


def words(data: Path, names: Sequence[str]) -> list[str]:
    return ["views", "rebuild", *names, "--data", str(data)]


@contextmanager
def rebuilding(url: str, data: Path, *names: str) -> Iterator[subprocess.Popen[str]]:
    """`growthrings views rebuild`, as a terminal runs it; gone after the block."""
    with subprocess.Popen(
        command(*words(data, names)),
        env=environment(DATABASE_URL=url),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def helpers(data: Path) -> list[int]:
    """The processes that help a rebuild."""
    return [pid for pid, call in processes_of(data).items() if "views grow " in call]


@dataclass
class Clients:
    """Clients that write and read as fast as they can, each about a child of its own, from the start of the block to
    its end. Every answer is the one that is due, and has what was acknowledged before."""

    url: str
    programme: Programme
    number: int = 2
    turns: int = 0
    wrong: list[str] = field(default_factory=list)
    _ended: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> "Clients":
        self._threads = [threading.Thread(target=self._run) for _ in range(self.number)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def go_on(self, turns: int = 8, seconds: float = 30.0) -> bool:
        """Whether so many more turns come within so many seconds, and none was wrong."""
        enough = self.turns + turns
        return soon(lambda: self.turns >= enough or self.wrong, seconds) and not self.wrong

    def _run(self) -> None:
        people = self.programme.people
        with client(self.url, people.admin.token) as admin, client(self.url, self.programme.token) as api:
            try:
                mine = People(admin, people.institution_id)
                outcome = new_outcome(admin)
                child = mine.child()
                while not self._ended.is_set():
                    self._weigh(api, child.id)
                    self._enter(outcome, child.id)
                    child = self._change_places(mine, api, child.id)
                    self.turns += 1
            except (AssertionError, httpx.HTTPError) as error:
                self.wrong.append(f"{type(error).__name__}: {error}")

    def _weigh(self, api: Api, child_id: str) -> None:
        taken_at = instant()
        made = WEIGHT.record(api, child_id, timestamp=taken_at)
        assert [made] == WEIGHT.listed(api, child_id, "limit=1")
        again = api.post(WEIGHT.path(child_id), WEIGHT.reading(timestamp=taken_at))
        assert 409 == again.status_code, again.text
        fat = BODY_FAT.record(api, child_id, timestamp=taken_at)
        assert 204 == api.delete(BODY_FAT.path(child_id, fat["id"])).status_code
        assert 404 == api.get(BODY_FAT.path(child_id, fat["id"])).status_code

    def _enter(self, outcome: Outcome, child_id: str) -> None:
        entered = outcome.record(subject_id=child_id, recorded_at=instant())
        listed, total = outcome.listed(subject_id=child_id)
        assert (1, [entered]) == (total, listed)
        assert total <= answer(outcome.api.get(f"{outcome.path}/summary"))["count"]

    def _change_places(self, people: People, api: Api, child_id: str) -> Any:
        """Another child comes, whose name nobody else may have, and the one before it is removed."""
        came = people.child()
        again = people.admin.post(CHILD.path, people.request(CHILD, username=came.username))
        assert 409 == again.status_code, again.text
        assert 204 == people.admin.delete(f"/v1/users/{child_id}").status_code
        gone = api.post(WEIGHT.path(child_id), WEIGHT.reading(timestamp=instant()))
        assert 400 == gone.status_code, gone.text
        return came
