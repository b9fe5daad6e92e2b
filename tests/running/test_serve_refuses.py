"""A start that fails reports the reason in one sentence, and leaves nothing behind."""

import socket
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from tests.running.conftest import Alive
from tests.running.processes import WITH_PASSWORD, child, processes_of, run_briefly
from tests.service import free_port

SECRET = "acorn-in-the-address"


def refused(data: Path, *arguments: str) -> str:
    """What a start says that does not go well."""
    ended = run_briefly("serve", "--data", str(data), *arguments)
    assert 1 == ended.returncode, ended
    assert "" == ended.stdout
    return is_a_sentence(ended)


def is_a_sentence(ended: subprocess.CompletedProcess[str], lines: int = 1) -> str:
    assert "Traceback" not in ended.stderr
    assert 1 <= len(ended.stderr.splitlines()) <= lines, ended.stderr
    return ended.stderr


def test_a_busy_port_is_reported_before_a_database_is_created(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
        assert f"127.0.0.1:{port} " in refused(tmp_path / "data", "--port", str(port))
    assert not (tmp_path / "data" / "postgres").exists()
    assert {} == processes_of(tmp_path / "data")


def test_a_data_folder_in_use_is_reported_with_its_owner_which_keeps_running(alive: Alive) -> None:
    data, owner = alive.run.data, alive.run.process
    told = refused(data, "--port", str(free_port()))
    assert f"{data} is in use by process {owner.pid}" in told
    assert owner.poll() is None
    assert child(data, "api")


@pytest.mark.parametrize("port", ["70000", "-1"])
def test_an_invalid_port_is_reported_without_a_traceback(tmp_path: Path, port: str) -> None:
    ended = run_briefly("serve", "--data", str(tmp_path / "data"), f"--port={port}")
    assert ended.returncode in (1, 2)
    assert "Traceback" not in ended.stderr


def test_a_file_at_the_path_of_the_data_folder_is_reported(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    assert str(tmp_path / "data") in refused(tmp_path / "data", "--port", str(free_port()))


@pytest.mark.parametrize(
    "command",
    [
        ["prepare"],
        ["views", "status"],
        ["replay"],
        ["export"],
        ["import-log", "/dev/null"],
    ],
    ids=lambda command: command[0],
)
def test_commands_report_an_unreachable_database_without_its_password(tmp_path: Path, command: list[str]) -> None:
    settings = {**WITH_PASSWORD, "DATABASE_URL": f"postgresql://somebody:{SECRET}@127.0.0.1:{free_port()}/nothing"}
    ended = run_briefly(*command, "--data", str(tmp_path / "data"), settings=settings)
    assert (1, "") == (ended.returncode, ended.stdout)
    assert SECRET not in ended.stderr
    is_a_sentence(ended, lines=2)  # the second is PostgreSQL's


@pytest.mark.parametrize(
    "address",
    [
        f"postgres//somebody:{SECRET}@127.0.0.1/nothing",
        f"host=127.0.0.1 password={SECRET} user",
        f"host=127.0.0.1 password={SECRET} connect_timeout=soon",
    ],
    ids=["no address", "no value", "no number"],
)
def test_an_invalid_database_url_is_reported_without_the_password_in_it(tmp_path: Path, address: str) -> None:
    ended = run_briefly("serve", "--data", str(tmp_path / "data"), settings={"DATABASE_URL": address})
    assert (2, "") == (ended.returncode, ended.stdout)
    assert SECRET not in ended.stderr
    assert "DATABASE_URL" in is_a_sentence(ended)


def test_an_invalid_read_wait_is_reported_by_the_name_of_its_setting(tmp_path: Path) -> None:
    ended = run_briefly("serve", "--data", str(tmp_path / "data"), settings={"GROWTHRINGS_READ_WAIT": "soon"})
    assert 2 == ended.returncode
    assert "GROWTHRINGS_READ_WAIT" in is_a_sentence(ended)


def test_an_unknown_log_level_is_reported_by_the_name_of_its_setting(tmp_path: Path) -> None:
    ended = run_briefly("serve", "--data", str(tmp_path / "data"), settings={"GROWTHRINGS_LOG_LEVEL": "loud"})
    assert 2 == ended.returncode
    assert "GROWTHRINGS_LOG_LEVEL" in is_a_sentence(ended)
