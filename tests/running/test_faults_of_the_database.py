"""Whatever befalls PostgreSQL, every client is told in time, what was acknowledged stays, what was refused is not
there, and service comes back by itself."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing
from pathlib import Path

import pytest
from psycopg.conninfo import make_conninfo

from adapters.postgres import embedded
from tests.acceptance.outcomes import new_outcome
from tests.running.faults import (
    SETTINGS,
    World,
    end_others,
    full,
    killed,
    locked,
    read_only,
    stopped,
    swallowed,
    without_a_free_slot,
)
from tests.running.ledger import Ledger
from tests.running.lossy_proxy import lossy_proxy_to
from tests.running.processes import WITH_PASSWORD, serving, soon
from tests.running.programme import client, enrol

IN_TIME = 3.0 + 2.0
"""Seconds that an answer may take: what is promised, and what a busy machine adds."""

COMES_BACK = 20.0

SIZE = 256
"""Megabytes of the disk that gets full."""


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path | None]:
    """A small one, where the system lets us mount it."""
    folder = tmp_path_factory.mktemp("disk")
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}m,mode=755", "tmpfs", str(folder)]
    is_mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    yield folder if is_mounted else None
    if is_mounted:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, disk: Path | None) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("faults")
    with ExitStack() as ending:
        server = embedded.start((disk or folder) / "server", settings=SETTINGS)
        ending.callback(server.stop)
        line = ending.enter_context(lossy_proxy_to(server.socket / ".s.PGSQL.5432"))
        url = make_conninfo(server.url, host="127.0.0.1", port=line.port, sslmode="disable", gssencmode="disable")
        run = ending.enter_context(serving(folder / "data", {**WITH_PASSWORD, "DATABASE_URL": url}))
        programme = enrol(ending.enter_context(client(run.url)))
        outcome = new_outcome(programme.people.admin)
        outcome.record()
        ledger = Ledger(run.url, programme.token, programme.child())
        world = ending.enter_context(closing(World(run.url, server, line, programme, outcome.path, ledger, disk)))
        yield world


Fault = Callable[[World], AbstractContextManager[None]]


@pytest.mark.parametrize("fault", [stopped, swallowed, killed, without_a_free_slot])
def test_requests_during_a_database_outage_get_503_in_time_and_no_event_is_lost(world: World, fault: Fault) -> None:
    questions = {**world.writes, **world.reads, "ready": world.READY}
    with world.ledger.kept():
        assert soon(world.ledger.goes_on)
        with fault(world):
            for _ in range(2):
                for name, answer in world.ask(questions).items():
                    assert 503 == answer.status_code, (name, answer.text)
                    assert "1" == answer.headers["Retry-After"]
                    assert answer.elapsed.total_seconds() < IN_TIME, name
        _comes_back(world)
    _nothing_is_lost(world)


@pytest.mark.parametrize("fault", [read_only, locked, full])
def test_commands_on_a_database_that_cannot_write_get_503_in_time_and_no_event_is_lost(
    world: World, fault: Fault
) -> None:
    before = len(world.ledger.put_off)
    with world.ledger.kept():
        assert soon(world.ledger.goes_on)
        with fault(world):
            assert soon(lambda: {503} == {each.status_code for each in world.ask(world.writes).values()})
            for name, answer in world.ask({**world.writes, **world.reads}).items():
                assert answer.status_code in ({503} if name in world.writes else {200, 503}), (name, answer.text)
                assert answer.elapsed.total_seconds() < IN_TIME, name
        _comes_back(world)
    _nothing_is_lost(world)
    if fault is not full:  # which takes the server away, it may be in the middle of a commit
        assert world.ledger.put_off[before:]
        assert not world.ledger.listed & set(world.ledger.put_off[before:])


def test_sessions_that_are_ended_again_and_again_cost_nobody_what_was_acknowledged(world: World) -> None:
    with world.ledger.kept(4), world.session() as session:
        for _ in range(40):
            assert soon(world.ledger.goes_on)
            end_others(session)
        _comes_back(world)
    _nothing_is_lost(world)


def test_sessions_whose_line_loses_everything_are_opened_anew(world: World) -> None:
    with world.ledger.kept():
        assert soon(world.ledger.goes_on)
        world.line.lose_all()
        for name, answer in world.ask({**world.writes, **world.reads}).items():
            assert answer.status_code in {200, 201, 503}, (name, answer.text)
            assert answer.elapsed.total_seconds() < IN_TIME, name
        _comes_back(world)
    _nothing_is_lost(world)


def _comes_back(world: World) -> None:
    """All is answered again, and clients go on."""
    world.ledger.goes_on()
    assert soon(world.ledger.goes_on, COMES_BACK)

    def answered() -> bool:
        return all(each.status_code < 300 for each in world.ask({**world.writes, **world.reads}).values())

    assert soon(answered, COMES_BACK), {n: a.text for n, a in world.ask({**world.writes, **world.reads}).items()}


def _nothing_is_lost(world: World) -> None:
    assert max(world.ledger.times) < IN_TIME
    assert world.ledger.statuses.keys() <= {207, 503}
    assert world.ledger.recorded
    assert world.ledger.agrees_with_what_is_there(world.server.url)
