"""Whatever process of the service is killed, the service comes back by itself and has lost nothing."""

import json
import os
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from adapters.postgres import embedded
from tests.acceptance.client import WEIGHT
from tests.running.conftest import Alive
from tests.running.processes import child, soon
from tests.running.programme import Posting, client, ids_of


def api(data: Path) -> int:
    return child(data, "api")


def projector(data: Path) -> int:
    return child(data, "project")


def postmaster(data: Path) -> int:
    return int((data / "postgres" / "postmaster.pid").read_text().split()[0])


def session_of_the_writer(data: Path) -> int:
    with psycopg.connect(embedded.url(data) or "") as connection:
        row = connection.execute("select pid from pg_stat_activity where application_name = 'writer'").fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize("victim", [api, projector, session_of_the_writer, postmaster], ids=lambda it: it.__name__)
def test_a_killed_process_is_replaced_and_nothing_acknowledged_is_lost(alive: Alive, victim: object) -> None:
    assert callable(victim)
    data, url = alive.run.data, alive.run.url
    child_id = alive.programme.child()
    with Posting(url, alive.programme.token, child_id) as posting:
        assert posting.goes_on()
        killed = victim(data)
        os.kill(killed, signal.SIGKILL)
        assert soon(lambda: not Path(f"/proc/{killed}/cwd").exists())
        assert posting.goes_on(), alive.run.err.read_text()[-500:]
    assert [] == posting.unexpected
    with client(url, alive.programme.token) as reading:
        assert soon(lambda: reading.get(WEIGHT.path(child_id)).status_code == 200)
        assert set(posting.acknowledged) <= ids_of(reading, child_id)
    assert killed != victim(data)
    assert alive.run.process.poll() is None


def test_the_database_comes_back_though_a_busy_session_outlives_it(alive: Alive) -> None:
    """A session that computes notices the death of its server only when it is done."""
    child_id = alive.programme.child()
    busy = threading.Thread(target=compute, args=[embedded.url(alive.run.data)])
    busy.start()
    try:
        time.sleep(0.5)
        os.kill(postmaster(alive.run.data), signal.SIGKILL)
        with Posting(alive.run.url, alive.programme.token, child_id) as posting:
            assert posting.goes_on(), alive.run.err.read_text()[-500:]
    finally:
        busy.join()
    assert alive.run.process.poll() is None


def test_a_database_that_cannot_be_started_again_is_tried_until_it_can(alive: Alive) -> None:
    """As when its disk is full: the service stays, and says each reason once; the log of the server keeps all of it."""
    data, child_id = alive.run.data, alive.programme.child()
    settings = data / "postgres" / "postgresql.conf"
    kept = settings.read_text()
    settings.write_text(kept + "\nno setting = at all\n")
    try:
        os.kill(postmaster(data), signal.SIGKILL)
        assert soon(lambda: "could not start the embedded database" in alive.run.err.read_text())
        with client(alive.run.url, alive.programme.token) as api:
            assert 503 == api.get(WEIGHT.path(child_id)).status_code
        assert soon(lambda: (data / "postgres.log").read_text().count("syntax error") > 1)
        told = [
            line for line in alive.run.err.read_text().splitlines() if "could not start the embedded database" in line
        ]
        reasons = [json.loads(line)["reason"] for line in told]
        assert len(reasons) == len(set(reasons))
    finally:
        settings.write_text(kept)
    with Posting(alive.run.url, alive.programme.token, child_id) as posting:
        assert posting.goes_on(), alive.run.err.read_text()[-500:]
    assert alive.run.process.poll() is None


def compute(url: str) -> None:
    with suppress(psycopg.OperationalError), psycopg.connect(url) as connection:
        connection.execute("do $$ begin while clock_timestamp() < now() + '3 s'::interval loop end loop; end $$")
