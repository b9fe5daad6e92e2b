"""A replay that is stopped ends at once, whatever it waits for."""

import signal
import subprocess

import psycopg
import pytest

from adapters.postgres import embedded
from tests.running.conftest import Alive
from tests.running.processes import command, environment, processes_of, soon

WAITS = "select from pg_stat_activity where application_name like 'replay%' and wait_event_type = 'Lock'"


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_replay_that_is_stopped_says_so_and_leaves_nobody(alive: Alive, workers: str) -> None:
    url = embedded.url(alive.run.data)
    assert url is not None
    before = processes_of(alive.run.data).keys()
    words = command("replay", "--data", str(alive.run.data), "--workers", workers)
    with psycopg.connect(url) as other, psycopg.connect(url, autocommit=True) as looking:
        other.execute("lock table measurements in access exclusive mode")
        replay = subprocess.Popen(words, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            assert soon(lambda: looking.execute(WAITS).rowcount == 2)
            replay.send_signal(signal.SIGINT)
            _, told = replay.communicate(timeout=20)
        finally:
            replay.kill()
        assert (130, b"Stopped.\n") == (replay.returncode, told)
    assert soon(lambda: processes_of(alive.run.data).keys() <= before)
