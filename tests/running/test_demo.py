"""The demo shows the history of a real series, and leaves no process or data behind."""

import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from tests.running.conftest import Alive
from tests.running.processes import command, environment, processes_of, run_briefly, soon, sweep
from tests.service import free_port

COUNTS = re.compile(r"│ (first time|again) +│ (\d+) +│ (\d+) +│ (\d+) +│")
"""What was sent; accepted, duplicates, others."""


def counts(told: str) -> list[tuple[str, ...]]:
    return COUNTS.findall(told)


ALL_THEN_NONE = [("first time", "578", "0", "0"), ("again", "0", "578", "0")]


def test_the_demo_on_a_running_service_stores_its_series_once_and_is_refused_again(alive: Alive) -> None:
    for _ in range(2):
        ended = run_briefly("demo", "--url", alive.run.url)
        assert 0 == ended.returncode, ended
        assert ALL_THEN_NONE == counts(ended.stdout)
        assert "listed back" in ended.stdout
        assert "" == ended.stderr


def test_the_demo_without_a_url_starts_a_service_and_removes_it_afterwards(tmp_path: Path) -> None:
    ended = subprocess.run(
        command("demo"), env=environment(TMPDIR=str(tmp_path)), capture_output=True, text=True, check=False
    )
    assert 0 == ended.returncode, ended
    assert ALL_THEN_NONE == counts(ended.stdout)
    assert "" == ended.stderr
    assert {} == processes_of(tmp_path)
    assert [] == os.listdir(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_a_demo_that_is_stopped_or_killed_leaves_no_service_behind(tmp_path: Path, number: signal.Signals) -> None:
    folder, told = tmp_path / "folder", tmp_path / "told"
    folder.mkdir()
    with told.open("wb") as out:
        process = subprocess.Popen(
            command("demo"), env=environment(TMPDIR=str(folder)), stdout=out, stderr=out, start_new_session=True
        )
    try:
        assert soon(lambda: any(" api " in running for running in processes_of(folder).values()), 20)
        if number is signal.SIGINT:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
        process.wait(20)
        assert soon(lambda: not processes_of(folder)), processes_of(folder)
        assert number is signal.SIGKILL or os.listdir(folder) == []
        assert "Traceback" not in told.read_text()
    finally:
        process.kill()
        process.wait()
        sweep(folder)


@pytest.mark.parametrize("settings", [{"GROWTHRINGS_ADMIN_PASSWORD": "another"}, {}], ids=["wrong", "missing"])
def test_the_demo_reports_a_wrong_or_missing_password_in_a_sentence(alive: Alive, settings: dict[str, str]) -> None:
    assert "password" in failed(run_briefly("demo", "--url", alive.run.url, settings=settings))


@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}", "127.0.0.1:{port}", "no address"])
def test_the_demo_reports_an_unreachable_service_in_a_sentence(url: str) -> None:
    failed(run_briefly("demo", "--url", url.format(port=free_port())))


def failed(ended: subprocess.CompletedProcess[str]) -> str:
    assert 1 == ended.returncode, ended
    assert "Traceback" not in ended.stdout + ended.stderr
    told = ended.stdout + ended.stderr
    assert told.startswith("The demo failed: ")
    assert len(told.splitlines()) <= 4  # at 80 characters a line
    return told
