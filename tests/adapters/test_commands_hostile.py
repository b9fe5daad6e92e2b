"""No command prints control sequences to a terminal, whether from clients, files or another service."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import psycopg
import pytest

from adapters.postgres.connections import connector
from adapters.settings import VARIABLES
from domain.partition import stream
from tests.adapters.commanding import Command, commanding
from tests.adapters.world import World, settle_in
from tests.service import free_port

ESCAPES = "\x1b[2J\x9b31m\u202egnp\u2066\u200b\x7f\r"
HOSTILE = f"kg{ESCAPES}\nthe log is whole"

CSV = ["--brand", "b", "--outcome", "o", "--value", "value", "--subject", "subject", "--at", "1990-01-01"]

Run = Callable[..., str]


@pytest.fixture
def world(database: str) -> Iterator[World]:
    world = settle_in(connector(database))
    yield world
    world.log.close()


@pytest.fixture
def run(database: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """What a command has written, all of which can be seen."""
    command: Command = commanding(database, monkeypatch, capfd)

    def run(*words: str) -> str:
        ended = command(*words)
        written = ended.out + ended.err
        assert written.replace("\n", "").isprintable(), ascii(written)
        assert "the log is whole" not in written.splitlines()
        return written

    return run


def ask(url: str, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        cursor = connection.execute(statement.encode(), values)
        return cursor.fetchall() if cursor.description else []


def hostile_weight(world: World) -> str:
    """The stream of a measurement with a hostile unit."""
    (child,) = world.children(1)
    return stream(child, world.id(world.weights(child, [0], unit=HOSTILE)))


@pytest.mark.parametrize("how", [[], ["--json"]], ids=["table", "json"])
def test_a_history_shows_what_its_values_hold(world: World, run: Run, how: list[str]) -> None:
    shown = run("replay", "--stream", hostile_weight(world), *how)
    assert (r"\x1b[2J" if not how else r"\u001b[2J") in shown


def test_hostile_text_of_parked_streams_and_errors_is_shown_escaped(database: str, run: Run) -> None:
    ask(
        database,
        "insert into parked_events (part, view, generation, seq, stream, topic, error)"
        " values (0, 'audit_trail', 1, 1000000, %s, 'c', %s)",
        f"a/{HOSTILE}",
        HOSTILE,
    )
    assert r"\x1b[2J" in run("views", "parked")
    assert r"\u202e" in run("views", "parked", "--json")
    run("views", "status")


def test_rows_that_differ_are_shown(world: World, database: str, run: Run) -> None:
    hostile_weight(world)
    for words in (["rebuild", "measurements"], ["rebuild", "measurements", "--without-comparison"]):
        run("views", *words)
    ask(database, "update measurements_g1 set unit = unit || %s", HOSTILE)
    ask(database, "update users set username = username || %s", HOSTILE)
    assert r"\x1b[2J" in run("replay")
    run("replay", "--json")
    run("views", "rebuild", "directory")


def test_users_are_listed(world: World, database: str, run: Run) -> None:
    ask(database, "update users set username = username || %s", HOSTILE)
    assert r"\x1b[2J" in run("users", "list")


@pytest.mark.parametrize(
    "words",
    [
        ["replay", "--stream", HOSTILE],
        ["replay", "--into", HOSTILE],
        ["replay", "--stream", "x", "--as-of", HOSTILE],
        ["views", "rebuild", HOSTILE],
        ["views", "retry", "measurements", HOSTILE],
        ["views", HOSTILE],
        ["export", "--from", HOSTILE],
        ["export", "--format", HOSTILE],
        ["export", "--credentials", f"/nowhere/{HOSTILE}"],
        ["import-log", f"/nowhere/{HOSTILE}"],
        ["import", f"/nowhere/{HOSTILE}", *CSV],
        ["healthy", "api", "--port", HOSTILE],
        ["users", "reset-password", HOSTILE],
        ["serve", "--workers", HOSTILE],
        [HOSTILE],
        [f"--{ESCAPES}"],
    ],
    ids=lambda words: " ".join(words).partition("\x1b")[0],
)  # fmt: skip
def test_an_error_quotes_words_as_they_can_be_seen(run: Run, words: list[str]) -> None:
    assert run(*words)


def test_a_line_of_an_export_that_is_none_is_quoted(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "log.ndjson"
    for line in (HOSTILE, json.dumps({"position": HOSTILE}), json.dumps(HOSTILE)):
        file.write_text(f"{line}\n")
        assert run("import-log", str(file))


@contextmanager
def answering(status: int, answer: dict[str, Any]) -> Iterator[str]:
    """The address of a service that always says the same."""

    class Always(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            body = json.dumps(answer, ensure_ascii=False).encode()
            self.send_response(200 if self.path.endswith("/auth") else status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = answer  # noqa: N815  # as the library calls them

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Always) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_hostile_text_of_a_service_is_shown_escaped_by_the_import(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("subject,value\nanna,1\n")
    monkeypatch.setenv("GROWTHRINGS_PASSWORD", "secret")
    answer = {"access_token": "t", "message": HOSTILE, "description": HOSTILE, "code": 400}
    with answering(400, answer) as url:
        assert r"\x1b[2J" in run("import", str(file), "--url", url, *CSV)
    item = {"code": 400, "message": HOSTILE, "item": {"line": 2}}
    outcome = {"id": "i", "name": "o", "unit": HOSTILE, "direction": "higher_is_better"}
    for status, more in ((200, {}), (207, {"success": [], "error": [item]})):
        with answering(status, {"access_token": "t", "outcomes": [outcome], **more}) as url:
            run("import", str(file), "--url", url, "--unit", "kg", *CSV)


def test_names_of_columns_are_shown(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text(f'subject,"{HOSTILE}"\nanna,1\n')
    monkeypatch.setenv("GROWTHRINGS_PASSWORD", "secret")
    assert run("import", str(file), "--url", f"http://127.0.0.1:{free_port()}", *CSV)


def test_hostile_text_of_a_service_is_shown_escaped_by_the_health_check_and_the_demo(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLES["admin_password"], "secret")
    with answering(503, {"access_token": "t", "what": HOSTILE}) as url:
        assert r"\x9b31m" in run("healthy", "api", "--port", url.rpartition(":")[2])
        assert run("demo", "--url", url)
