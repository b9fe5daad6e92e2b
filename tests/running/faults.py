"""What may befall PostgreSQL: each a block, at the end of which it is over."""

import os
import shutil
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg
import pytest

from adapters.postgres import embedded
from tests.acceptance.client import WEIGHT
from tests.acceptance.outcomes import request
from tests.acceptance.people import unique
from tests.running.ledger import Ledger
from tests.running.lossy_proxy import LossyProxy
from tests.running.processes import PASSWORD, soon
from tests.running.programme import Programme, client, readings

SETTINGS = {"fsync": "off", "max_connections": "25", "restart_after_crash": "on", "shared_buffers": "16MB"}


@dataclass
class World:
    """A service, the line to its database, and clients that keep a ledger."""

    url: str
    server: embedded.Server
    line: LossyProxy
    programme: Programme
    outcome_path: str
    ledger: Ledger
    disk: Path | None

    def session(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(self.server.url, autocommit=True)

    def close(self) -> None:
        self.server.stop()

    def restart(self) -> None:
        self.server = embedded.start(self.server.data, settings=SETTINGS)

    def ask(self, questions: dict[str, tuple[str, str, object]]) -> dict[str, httpx.Response]:
        """All of them at once."""

        def one(question: tuple[str, str, object]) -> httpx.Response:
            method, path, body = question
            measures = path == WEIGHT.path(self.ledger.child_id)
            with client(self.url, self.programme.token if measures else self.programme.people.admin.token) as api:
                return api.get(path) if method == "GET" else api.send(method, path, body)

        with ThreadPoolExecutor(len(questions)) as at_once:
            return dict(zip(questions, at_once.map(one, questions.values()), strict=True))

    @property
    def writes(self) -> dict[str, tuple[str, str, object]]:
        weights = WEIGHT.path(self.ledger.child_id)
        return {
            "a weight": ("POST", weights, readings(1)[0]),
            "an institution": ("POST", "/v1/institutions", {"type": "school", "name": unique("school")}),
            "an outcome": ("POST", "/v1/outcomes", request()),
        }

    @property
    def reads(self) -> dict[str, tuple[str, str, object]]:
        return {
            "weights": ("GET", WEIGHT.path(self.ledger.child_id), None),
            "institutions": ("GET", "/v1/institutions", None),
            "outcomes": ("GET", "/v1/outcomes", None),
            "a summary": ("GET", f"{self.outcome_path}/summary", None),
            "the audit": ("GET", "/v1/audit/events", None),
            "a login": ("POST", "/v1/auth", {"username": "admin", "password": PASSWORD}),
        }

    READY = ("GET", "/health/ready", None)


@contextmanager
def stopped(world: World) -> Iterator[None]:
    """All of its processes: whoever connects is let in by the system, and hears nothing."""
    first = world.server.process.pid
    os.kill(first, signal.SIGSTOP)  # from here on there are no new ones
    others = _children(first)
    for pid in others:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in (first, *others):
            os.kill(pid, signal.SIGCONT)


def _children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@contextmanager
def swallowed(world: World) -> Iterator[None]:
    with world.line.swallowing():
        yield


@contextmanager
def killed(world: World) -> Iterator[None]:
    for pid in (world.server.process.pid, *_children(world.server.process.pid)):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    world.server.process.wait()
    try:
        yield
    finally:
        world.restart()


@contextmanager
def without_a_free_slot(world: World) -> Iterator[None]:
    with ExitStack() as taken, world.session() as session:

        def take() -> bool:
            """All that there are, also those that others give up for us."""
            with suppress(psycopg.OperationalError):
                while True:
                    taken.enter_context(world.session())
            if end_others(session):
                return False
            time.sleep(0.1)
            return True

        assert soon(lambda: all(take() for _ in range(3)))  # what is about to begin has no name yet
        yield


def end_others(session: psycopg.Connection[tuple[object, ...]]) -> int:
    """End all sessions of the service; how many there were."""
    ours = "application_name = 'writer' or application_name = 'reader' or application_name like 'projector%'"
    return session.execute(f"select pg_terminate_backend(pid) from pg_stat_activity where {ours}".encode()).rowcount


@contextmanager
def read_only(world: World) -> Iterator[None]:
    """Every session from its beginning to its end, as on a server that is not yet, or no more, the one that writes."""

    def make(value: str) -> None:
        session.execute("set default_transaction_read_only = off")
        session.execute(f"alter role all set default_transaction_read_only = {value}".encode())

    with world.session() as session:
        make("on")
        end_others(session)
        try:
            yield
        finally:
            make("off")


@contextmanager
def locked(world: World) -> Iterator[None]:
    """By a session that is stuck with all partitions."""
    with world.session() as session, session.transaction():
        session.execute("select from heads for update")
        yield


@contextmanager
def full(world: World) -> Iterator[None]:
    """The disk: no page is left for a table, and no segment for the write-ahead log, without which the server ends."""
    if world.disk is None:
        pytest.skip("a disk that gets full cannot be mounted here")
    ballast = world.disk / "ballast"
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(65_536 if shutil.disk_usage(world.disk).free > 65_536 else 1))
    with suppress(psycopg.OperationalError), world.session() as session:
        while True:
            session.execute("select pg_logical_emit_message(true, 'test', 'one more'), pg_switch_wal()")
    try:
        yield
    finally:
        ballast.unlink()
        assert soon(lambda: world.server.process.poll() is not None or _answers(world))
        if world.server.process.poll() is not None:  # it could not even recover
            world.restart()


def _answers(world: World) -> bool:
    with suppress(psycopg.OperationalError), world.session():
        return True
    return False
