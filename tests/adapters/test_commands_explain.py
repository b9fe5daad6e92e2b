"""Whatever is wrong with the database or with the output, a command says so in a sentence: never with a trace."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

from adapters.cli.error_messages import DATABASE, explain
from projections.rebuild.inline_views import INLINE
from projections.views.registry import VIEWS
from tests import databases
from tests.adapters.commanding import commanding
from tests.running.processes import command, environment
from tests.service import ROOT

STREAM = "0" * 24

COMMANDS = [
    ["prepare"],
    ["views", "status"],
    ["views", "status", "--json"],
    ["views", "rebuild", "measurements"],
    ["views", "rebuild", "directory"],
    ["views", "grow", "outcomes"],
    ["views", "rollback", "measurements"],
    ["views", "drop-old"],
    ["views", "parked"],
    ["views", "retry", "measurements"],
    ["views", "skip", "measurements", STREAM],
    ["replay"],
    ["replay", "--log-only", "--json"],
    ["replay", "--stream", STREAM],
    ["replay", "--into", "measurements"],
    ["export"],
    ["export", "--format", "csv", "--subject", STREAM],
    ["import-log", os.devnull],
    ["healthy", "project"],
]

every_command = pytest.mark.parametrize("words", COMMANDS, ids=" ".join)


@contextmanager
def role(url: str) -> Iterator[str]:
    """An address of the database as somebody who has no privilege in it."""
    name = f"nobody_{uuid4().hex}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(SQL("create role {} login").format(Identifier(name)))
        try:
            yield make_conninfo(url, user=name)
        finally:
            connection.execute(SQL("drop owned by {0}").format(Identifier(name)))
            connection.execute(SQL("drop role {}").format(Identifier(name)))


def ask(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


@contextmanager
def read_only(url: str) -> Iterator[str]:
    with psycopg.connect(url, autocommit=True) as connection:
        name = Identifier(databases.name_of(url))
        connection.execute(SQL("alter database {} set default_transaction_read_only = on").format(name))
    yield url


@contextmanager
def of_another_tool(url: str) -> Iterator[str]:
    ask(
        url,
        "drop schema public cascade",
        "create schema public",
        "create table users (id serial primary key, email text)",
        "create table migrations (id serial primary key, run_on timestamptz)",
    )
    yield url


@contextmanager
def empty(url: str) -> Iterator[str]:
    ask(url, "drop schema public cascade", "create schema public")
    yield url


@contextmanager
def without_schema(url: str) -> Iterator[str]:
    ask(url, "drop schema public cascade")
    yield url


@contextmanager
def without_rows(url: str) -> Iterator[str]:
    """As when a restore was stopped before the rows came."""
    ask(url, "truncate heads, events, views, places, leases, workers")
    yield url


@contextmanager
def with_a_column_less(url: str) -> Iterator[str]:
    ask(url, "alter table events drop column state", "alter table users drop column profile cascade")
    yield url


@contextmanager
def away(url: str) -> Iterator[str]:
    yield make_conninfo(url, host="/nowhere")


def without(table: str) -> Callable[[str], object]:
    @contextmanager
    def missing(url: str) -> Iterator[str]:
        ask(url, f"drop table {table} cascade")
        yield url

    missing.__name__ = f"without {table}"
    return missing


BROKEN = [
    read_only,
    of_another_tool,
    empty,
    without_schema,
    without_rows,
    with_a_column_less,
    away,
    role,
    *map(without, ("heads", "events", "views", "places", "parked_events", "dedupe_index", "users", "migrations")),
]


@pytest.fixture
def broken(database: str, request: pytest.FixtureRequest) -> Iterator[str]:
    with request.param(database) as url:
        yield url


@every_command
@pytest.mark.parametrize("broken", BROKEN, ids=lambda how: how.__name__, indirect=True)
def test_a_command_says_in_a_sentence_what_is_wrong_with_its_database(
    broken: str, words: list[str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    ended = commanding(broken, monkeypatch, capfd)(*words)
    assert "Traceback" not in ended.err + ended.out
    assert ended.code in (0, 1)
    if ended.code == 1 and ended.err:
        assert 1 == len(ended.err.splitlines()), ended.err
        assert "This is a fault of Growthrings" not in ended.err, ended.err
        assert "DETAIL" not in ended.err
    assert ended.code == 0 or ended.err or ended.out


@pytest.mark.parametrize(
    ("how", "words", "expected"),
    [
        (read_only, ["views", "rebuild", "measurements"], "read-only"),
        (of_another_tool, ["views", "status"], "not those of this version of Growthrings"),
        (without("heads"), ["replay"], "not those of this version of Growthrings"),
        (role, ["export"], "may not do that"),
        (away, ["views", "parked"], "cannot be reached"),
        (empty, ["replay"], "growthrings prepare"),
    ],
)
def test_the_sentence_names_what_happened_and_what_to_do(
    how: Callable[[str], object],
    words: list[str],
    expected: str,
    database: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    with how(database) as url:  # type: ignore[attr-defined]
        ended = commanding(url, monkeypatch, capfd)(*words)
    assert (1, "") == (ended.code, ended.out)
    assert expected in ended.err


OUTPUTS = {"full": ">/dev/full", "unread": "| true", "closed": ">&-"}


@pytest.mark.parametrize("output", OUTPUTS.values(), ids=OUTPUTS)
@pytest.mark.parametrize(
    "words",
    [["--help"], ["views", "status"], ["views", "status", "--json"], ["views", "parked"], ["replay", "--log-only"],
     ["export", "--format", "csv"], ["replay", "--into", "measurements"], ["keys", "--help"], ["healthy", "project"]],
    ids=" ".join,
)  # fmt: skip
def test_an_output_that_is_full_or_closed_ends_a_command_without_a_trace(
    output: str, words: list[str], database: str
) -> None:
    script = f'set -o pipefail; "$@" {output}'
    ended = subprocess.run(
        ["bash", "-c", script, "bash", *command(*words)],
        env=environment(DATABASE_URL=database),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode in (0, 1), ended
    assert not {"Traceback", "Exception ignored"} & set(ended.stderr.replace(" (", "\n").splitlines()), ended.stderr
    assert "Traceback" not in ended.stderr
    assert "Exception ignored" not in ended.stderr
    assert len(ended.stderr.splitlines()) <= 1
    if output != OUTPUTS["unread"]:
        assert 1 == ended.returncode or words == ["healthy", "project"]
        assert "utput" in ended.stderr or words == ["healthy", "project"]


def test_every_error_of_the_driver_has_a_sentence() -> None:
    for kind in (psycopg.Error, psycopg.InternalError, psycopg.errors.DiskFull, psycopg.errors.UndefinedTable):
        text, code = explain(kind("what went wrong\nDETAIL:  Failing row contains (Kim, 30.4).\nand more of it"))
        assert 1 == code
        assert "what went wrong" in text
        assert "Kim" not in text
        assert "more of it" not in text
    assert psycopg.Error in DATABASE[-1][0]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (FileExistsError(17, "File exists", "hashes.ndjson"), "hashes.ndjson is there already"),
        (FileNotFoundError(2, "No such file or directory", "log"), "log is not there"),
        (PermissionError(13, "Permission denied", "log"), "log may not be used by this user"),
        (OSError(28, "No space left on device"), "The output cannot be written: No space left on device"),
        (ZeroDivisionError("division by zero"), "This is a fault of Growthrings"),
    ],
)
def test_a_command_explains_a_system_error_without_its_error_number(error: Exception, expected: str) -> None:
    text, code = explain(error)
    assert 1 == code
    assert expected in text
    assert "Errno" not in text


def test_names_of_views_are_those_that_there_are(
    database: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Like every error that names the valid values."""
    ended = commanding(database, monkeypatch, capfd)("views", "rebuild", "measurement")
    assert all(name in ended.err for name in (*VIEWS.latest, *INLINE))
