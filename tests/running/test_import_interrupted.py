"""What an import does when it is stopped halfway, or the service dies meanwhile: nothing is lost or doubled."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from adapters.cli.import_csv import BATCH
from adapters.postgres import embedded
from tests.acceptance.client import Api
from tests.acceptance.people import unique
from tests.running.importing import count, imported, of_brand, patient_service, said, words
from tests.running.processes import PASSWORD, Run, child, command, environment, soon
from tests.running.programme import client
from tests.running.request_gate import RequestGate, before
from tests.service import ROOT

ROWS = 5_000
"""Several batches, so that an import can be stopped between them."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    with patient_service(tmp_path_factory) as running:
        yield running


@pytest.fixture(scope="module")
def admin(run: Run) -> Iterator[Api]:
    with client(run.url) as api:
        yield api.login("admin", PASSWORD)


@pytest.fixture
def brand() -> str:
    return unique("brand")


@pytest.fixture
def long(tmp_path: Path) -> Path:
    path = tmp_path / "long.csv"
    path.write_text("who,steps,day\n" + "".join(f"{n % 7},{n},{n // 7}\n" for n in range(ROWS)))
    return path


LONG_COLUMNS = ("--value", "steps", "--subject", "who", "--at", "day", "--start", "2000-01-01")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=lambda number: number.name)
def test_an_import_stopped_halfway_is_completed_by_the_next_run(
    run: Run, admin: Api, brand: str, long: Path, number: signal.Signals
) -> None:
    with before(run.url) as gate, begun(gate, long, brand) as process:
        gate.allow(3)
        assert soon(lambda: count(admin, brand) == 3 * BATCH, 60)
        process.send_signal(number)
        told, logged = process.communicate(timeout=5)
    there = count(admin, brand)
    assert 3 * BATCH == there
    assert "Traceback" not in logged
    if number is not signal.SIGKILL:
        assert 130 == process.returncode
        assert "Stopped. What was sent is stored: run the same command again, it duplicates nothing.\n" == logged
        assert re.fullmatch(r"[\d,]+ new, 0 there already, 0 refused", said(told)[0])
    (counts,) = imported(run, long, brand, *LONG_COLUMNS)
    new, already, refused = (int(text.replace(",", "")) for text in re.findall(r"[\d,]*\d", counts))
    assert (ROWS, 0) == (new + already, refused)
    assert there <= already
    outcome = of_brand(admin, brand)
    assert (ROWS, ROWS - 1) == tuple(outcome.ask("summary")[name] for name in ("count", "maximum"))


def begun(gate: RequestGate, file: Path, brand: str) -> subprocess.Popen[str]:
    """An import of the long file that goes on as far as the turnstile lets it."""
    return subprocess.Popen(
        command(*words(gate.url, file, brand, *LONG_COLUMNS)),
        env=environment(GROWTHRINGS_PASSWORD=PASSWORD),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


WAITING = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"


@contextmanager
def heads_held(run: Run) -> Iterator[psycopg.Connection[Any]]:
    """Commands are not answered before the end of the block; a session that sees them wait."""
    url = embedded.url(run.data) or ""
    with psycopg.connect(url) as holding, psycopg.connect(url, autocommit=True) as seeing:
        holding.execute("select from heads for update")
        yield seeing


def test_a_service_that_dies_meanwhile_is_waited_for(run: Run, admin: Api, brand: str, long: Path) -> None:
    with before(run.url) as gate, begun(gate, long, brand) as process:
        gate.allow(1)
        assert soon(lambda: count(admin, brand) == BATCH, 60)
        with heads_held(run) as session:
            gate.allow(1)
            assert soon(lambda: session.execute(WAITING).fetchone() != (0,))
            os.kill(child(run.data, "api"), signal.SIGKILL)
        gate.allow(ROWS)
        told, logged = process.communicate(timeout=120)
    assert (0, "") == (process.returncode, logged), told
    assert f"{gate.url} cannot be reached: " in told
    assert " 0 refused" in said(told)[0]
    assert ROWS == of_brand(admin, brand).ask("summary")["count"]
