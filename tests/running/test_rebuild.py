"""Views are rebuilt while clients write and read, and nobody notices; whatever ends a rebuild, the next one goes on."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.running.log_of_weights import expected_rows, rows, weighing
from tests.running.processes import WITH_PASSWORD, Run, run_briefly, serving, soon
from tests.running.programme import Programme, client, enrol
from tests.running.rebuilding import (
    STALLS,
    Clients,
    ask,
    helpers,
    in_the_way,
    live,
    rebuilding,
    sessions,
    waiting,
    waits,
    words,
)

STOPPED = "Stopped. Run the same command again to resume."


@pytest.fixture(scope="module")
def url(new_database: Callable[..., str]) -> str:
    return new_database(16)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, url: str) -> Iterator[Run]:
    """A busy machine is no reason for a 503."""
    settings = {**WITH_PASSWORD, "DATABASE_URL": url, "GROWTHRINGS_READ_WAIT": "25"}
    with serving(tmp_path_factory.mktemp("rebuild") / "data", settings) as running:
        yield running


@pytest.fixture(scope="module")
def programme(run: Run) -> Iterator[Programme]:
    with client(run.url) as api:
        yield enrol(api)


@pytest.fixture(scope="module")
def log(new_database: Callable[..., str]) -> str:
    """A database that nobody serves, with more partitions than one worker takes at once."""
    url = str(new_database(64))
    with weighing(url, children=60) as writer:
        writer.weigh_all()
    return url


def rebuilt(url: str, data: Path, *names: str) -> str:
    """What a rebuild that ends well has told."""
    ended = run_briefly(*words(data, names), settings={"DATABASE_URL": url})
    assert (0, "") == (ended.returncode, ended.stderr), ended
    return ended.stdout


def test_clients_that_write_and_read_at_full_speed_do_not_notice(url: str, run: Run, programme: Programme) -> None:
    before = live(url)
    with Clients(run.url, programme) as clients:
        assert clients.go_on(), clients.wrong
        rebuilt(url, run.data, "--all", "--workers", "2")
        assert clients.go_on(), clients.wrong
    assert [] == clients.wrong
    assert {view: generation + 1 for view, generation in before.items()} == live(url)


@pytest.mark.parametrize(("view", "table"), [("measurements", "measurements"), ("directory", "users")])
def test_a_long_query_holds_up_the_switch_and_nobody_else(
    url: str, run: Run, programme: Programme, view: str, table: str
) -> None:
    oid = f"select oid from pg_class where oid = '{table}'::regclass"
    before = live(url), ask(url, oid)
    with Clients(run.url, programme) as clients:
        with rebuilding(url, run.data, view) as process:
            with in_the_way(url, f"select count(*), pg_sleep(0.01) from {table}"):
                assert waits(url)
                assert clients.go_on(), clients.wrong
                assert process.poll() is None
                assert before == (live(url), ask(url, oid))
            _, logged = process.communicate(timeout=30)
        assert (0, "") == (process.returncode, logged)
        assert clients.go_on(), clients.wrong
    assert [] == clients.wrong
    assert before != (live(url), ask(url, oid))


@pytest.mark.parametrize(
    ("number", "moments"),
    [(signal.SIGKILL, list(STALLS)), (signal.SIGINT, ["is in the middle of a page", "switches"])],
    ids=["killed", "interrupted"],
)
def test_a_rebuild_that_is_stopped_repeatedly_resumes_and_completes(
    log: str, tmp_path: Path, number: signal.Signals, moments: list[str]
) -> None:
    before = live(log)["measurements"]
    for moment in moments:
        with in_the_way(log, STALLS[moment]), rebuilding(log, tmp_path, "measurements") as process:
            assert waits(log), moment
            os.killpg(process.pid, number)
            _, logged = process.communicate(timeout=20)
            if number is signal.SIGINT:
                assert 130 == process.returncode, moment
                assert STOPPED in logged.splitlines(), moment
                assert "Traceback" not in logged
            else:
                assert (-number, "") == (process.returncode, logged), moment
            assert before == live(log)["measurements"]
        assert soon(lambda: not sessions(log)), moment
    told = rebuilt(log, tmp_path, "measurements")
    assert f"measurements: generation {before + 1}, 0 of " in told
    assert before + 1 == live(log)["measurements"]
    assert expected_rows(log) == rows(log)


def test_helper_processes_of_a_killed_rebuild_end_with_it(log: str, tmp_path: Path) -> None:
    before = live(log)["measurements"]
    both = ("measurements", "--workers", "2")
    with in_the_way(log, STALLS["is in the middle of a page"]), rebuilding(log, tmp_path, *both) as process:
        assert soon(lambda: waiting(log) and waiting(log, "grow"), 30)
        (helper,) = helpers(tmp_path)
        process.kill()
        assert soon(lambda: helper not in helpers(tmp_path))
    assert soon(lambda: not sessions(log))
    rebuilt(log, tmp_path, *both)
    assert before + 1 == live(log)["measurements"]
    assert expected_rows(log) == rows(log)


def test_helper_processes_of_an_interrupted_rebuild_end_with_it(log: str, tmp_path: Path) -> None:
    both = ("measurements", "--workers", "2")
    with in_the_way(log, STALLS["is in the middle of a page"]), rebuilding(log, tmp_path, *both) as process:
        assert soon(lambda: waiting(log) and waiting(log, "grow"), 30)
        os.killpg(process.pid, signal.SIGINT)
        _, logged = process.communicate(timeout=20)
        assert (130, [STOPPED]) == (process.returncode, logged.splitlines())
        assert [] == helpers(tmp_path)
