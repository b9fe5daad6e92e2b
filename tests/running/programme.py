"""A programme that weighs children: who takes part in it, and clients that post what was weighed."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from typing import Any

import httpx

from adapters.settings import Settings
from domain.partition import partition
from tests.acceptance.client import WEIGHT, Api, Kind, stamp
from tests.acceptance.people import People, unique
from tests.running.processes import PASSWORD

START = datetime(2020, 1, 1, tzinfo=UTC)

_instants = count()


@dataclass(frozen=True)
class Programme:
    """An admin's way to new children, and an application that may do all with their measurements."""

    people: People
    application: Api

    @property
    def token(self) -> str:
        assert self.application.token is not None
        return self.application.token

    def child(self) -> str:
        return self.people.child().id

    def children(self, number: int) -> list[str]:
        return [self.child() for _ in range(number)]

    def children_apart_from(self, child_id: str, number: int) -> list[str]:
        """So many children in other partitions than that one."""
        here = partition(child_id, Settings().partitions)
        apart = (child for child in iter(self.child, "") if partition(child, Settings().partitions) != here)
        return list(islice(apart, number))


@contextmanager
def client(url: str, token: str | None = None, timeout: float = 30.0) -> Iterator[Api]:
    with httpx.Client(
        base_url=url, timeout=timeout, verify=False
    ) as http:  # there is no TLS; loading certificates is slow
        yield Api(http, token)


def enrol(api: Api, password: str = PASSWORD) -> Programme:
    """A new programme on a service."""
    admin = api.login("admin", password)
    answer = admin.post("/v1/institutions", {"type": "school", "name": unique("school")})
    assert 201 == answer.status_code, answer.text
    people = People(admin, answer.json()["id"])
    return Programme(people, people.as_(people.application()))


def readings(number: int) -> list[dict[str, Any]]:
    """So many weights, each at an instant of its own in all tests."""
    return [{"timestamp": instant(), "value": 1 + n % 90, "unit": "kg"} for n in range(number)]


def instant() -> str:
    return stamp(START + timedelta(milliseconds=next(_instants)))


def ids_of(api: Api, child_id: str, kind: Kind = WEIGHT) -> set[str]:
    """The ids of everything that is listed of a child, read page by page."""
    ids: set[str] = set()
    for page in count(1):
        items = kind.listed(api, child_id, f"limit=1000&page={page}")
        ids.update(item["id"] for item in items)
        if len(items) < 1000:
            break
    return ids


@dataclass
class Posting:
    """Clients that post weights of a child, each one after another, from the start of the block to its end."""

    url: str
    token: str
    child_id: str
    clients: int = 2
    acknowledged: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    _ended: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> "Posting":
        self._threads = [threading.Thread(target=self._post) for _ in range(self.clients)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def goes_on(self, number: int = 5, seconds: float = 15.0) -> bool:
        """Whether so many more are acknowledged within so many seconds."""
        wanted = len(self.acknowledged) + number
        deadline = time.monotonic() + seconds
        while len(self.acknowledged) < wanted and time.monotonic() < deadline:
            time.sleep(0.01)
        return len(self.acknowledged) >= wanted

    def _post(self) -> None:
        with client(self.url, self.token) as api:
            while not self._ended.is_set():
                try:
                    answer = api.post(WEIGHT.path(self.child_id), readings(1)[0])
                except httpx.ReadTimeout:
                    self.unexpected.append("no answer")
                    continue
                except httpx.TransportError:
                    time.sleep(0.02)  # nobody there, now
                    continue
                if answer.status_code == 201:
                    self.acknowledged.append(answer.json()["id"])
                elif answer.status_code == 503:
                    assert answer.headers["Retry-After"]
                    time.sleep(0.02)
                else:
                    self.unexpected.append(answer.text)
