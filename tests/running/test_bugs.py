"""A bug answers 500 with a request id, its trace is in the log under that id, and nobody else's answer changes."""

import io
import json
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from typing import Any, ClassVar, cast
from uuid import uuid4

import httpx
import pytest
import structlog
from litestar import Response, get
from msgspec.structs import replace

from adapters.http.api.fast_path import FastPath, PostMeasurements
from adapters.http.edge import application, error_responses
from adapters.http.edge.command_results import accepted_id
from adapters.http.edge.draining import Draining
from adapters.http.edge.edge import Edge
from adapters.http.edge.requests import HttpRequest, json_response, request_id
from adapters.postgres.event_store import PostgresEventStore
from adapters.refusal_messages import SERVER_FAULT
from adapters.telemetry import logs
from application import outage, processor, writer
from application.command import Command
from application.commands.register_first_admin import SERVICE, RegisterFirstAdmin
from application.commands.register_user import NewUser
from application.ports import BatchState, Reads
from application.processor import Processor
from application.writer import Writer
from domain.event import Fact
from domain.measurement import withdraw
from tests.running.log_of_weights import Connect

LogLines = Callable[[], list[dict[str, Any]]]


@pytest.fixture(autouse=True)
def log_lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[LogLines]:
    """What was logged so far, as the processes of the service log it."""
    before = structlog.get_config()
    written = io.StringIO()
    with monkeypatch.context() as configuring:
        configuring.setattr(sys, "stderr", written)
        log = logs.configure("warning", "test")
    for module in (error_responses, outage, processor, writer):
        monkeypatch.setattr(module, "logger", structlog.get_logger())

    def lines() -> list[dict[str, Any]]:
        log.lines.flush()
        return [json.loads(line) for line in written.getvalue().splitlines()]

    yield lines
    structlog.configure(**before)


class Broken(Command, frozen=True, kw_only=True):
    """A command with a bug in the step that `bug` names."""

    name: ClassVar[str] = "broken"

    bug: str
    child_id: str

    @property
    def items(self) -> Sequence[str]:
        return [self.child_id]

    def partition_keys(self) -> Iterable[str]:
        return [self.child_id]

    def reads(self, reads: Reads) -> None:
        self._step("reads")

    def follow(self, known: BatchState, reads: Reads) -> None:
        self._step("follow")

    def admit(self, known: BatchState) -> None:
        self._step("admit")

    def decide(self, item: str, known: BatchState, *, new_id: Callable[[], str]) -> tuple[str, Sequence[Fact]]:
        self._step("decide")
        fact = withdraw(item)
        match self.bug:
            case "version taken":
                return item, [fact, fact]
            case "no JSON":
                return item, [replace(fact, event=replace(fact.event, child_id=object()))]
            case "another's partition":
                return item, [withdraw(f"{n:024x}") for n in range(50)]
        return item, [fact]

    def _step(self, name: str) -> None:
        if self.bug == name:
            raise RuntimeError(f"a bug while {name}")


BUGS = ["reads", "follow", "admit", "decide", "no JSON", "version taken", "another's partition"]


@pytest.fixture
def log(connect: Connect) -> Iterator[PostgresEventStore]:
    opened = PostgresEventStore(connect)
    yield opened
    opened.close()


@pytest.fixture
async def client(log: PostgresEventStore) -> AsyncIterator[httpx.AsyncClient]:
    """An application with one handler that has a bug, and one whose command has the bug that it is asked for."""
    writing = Writer(Processor(log), batch_size=100, queue_size=100)
    writing.start()

    @get("/handler")
    async def handler(request: HttpRequest) -> Response[bytes]:
        raise RuntimeError("a bug in a handler")

    @get("/command")
    async def command(request: HttpRequest) -> Response[bytes]:
        asked = Broken(
            actor=SERVICE, request_id=request_id(request), bug=request.query_params["bug"], child_id=uuid4().hex[:24]
        )
        return json_response(accepted_id(await writing.submit(asked)), 200)

    # The posts of measurements go another way, which is broken from its first step on.
    broken = Edge(FastPath(application.create([handler, command]), cast("PostMeasurements", None)), draining=Draining())
    transport = httpx.ASGITransport(cast("Any", broken), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        yield http
    writing.stop()


def told_id(answer: httpx.Response) -> str:
    """The request id of a 500 that says nothing else."""
    assert 500 == answer.status_code, answer.text
    body = answer.json()
    said, _, id = body.pop("description").partition(": ")
    assert ({"code": 500, "message": SERVER_FAULT}, "Request id") == (body, said)
    assert len(id) == 24
    return str(id)


@pytest.mark.parametrize(
    ("method", "path", "bug"),
    [
        ("GET", "/handler", "RuntimeError: a bug in a handler"),
        ("POST", f"/v1/children/{'ab' * 12}/weights", "AttributeError: 'NoneType' object has no attribute 'record'"),
    ],
)
async def test_a_bug_in_a_handler_is_in_the_log_under_the_id_that_was_answered(
    client: httpx.AsyncClient, log_lines: LogLines, method: str, path: str, bug: str
) -> None:
    id = told_id(await client.request(method, path))
    (line,) = log_lines()
    assert id == line["request_id"]
    assert bug in line["exception"]
    assert "Traceback" in line["exception"]


@pytest.mark.parametrize("bug", BUGS)
async def test_a_bug_in_a_command_is_in_the_log_under_the_id_that_was_answered(
    client: httpx.AsyncClient, log_lines: LogLines, bug: str
) -> None:
    id = told_id(await client.get("/command", params={"bug": bug}))
    lines = log_lines()
    (failed,) = [line for line in lines if line["event"] == "command failed" and line["request_id"] == id]
    traces = [line["exception"] for line in lines if line.get("reason") == failed["cause"] and "exception" in line]
    assert ["Traceback" in trace for trace in traces] == [True], lines


@pytest.mark.parametrize("bug", BUGS)
@pytest.mark.parametrize("first", [True, False], ids=["first", "last"])
def test_a_bug_in_a_command_changes_no_other_answer_of_its_group(
    log: PostgresEventStore, bug: str, first: bool
) -> None:
    broken = Broken(actor=SERVICE, request_id=uuid4().hex[:24], bug=bug, child_id="ab" * 12)
    others: list[Command] = [
        RegisterFirstAdmin(actor=SERVICE, request_id=uuid4().hex[:24], user=NewUser("child", uuid4().hex, "no hash"))
        for _ in range(3)
    ]
    group = [broken, *others] if first else [*others, broken]
    answers = Processor(log).run(group, oldest_waits=True)
    told = [answers[place] for place, command in enumerate(group) if command is not broken]
    assert [isinstance(answer, list) and isinstance(answer[0], str) for answer in told] == [True] * 3, told


async def test_a_command_without_a_bug_is_answered(client: httpx.AsyncClient, log_lines: LogLines) -> None:
    assert 200 == (await client.get("/command", params={"bug": "none"})).status_code
    assert [] == log_lines()
