"""An import that is killed at any step leaves a log that decides rightly, and goes on when it is run again."""

import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from adapters.cli import replay
from adapters.cli.export import Selection, export
from adapters.postgres import embedded
from adapters.postgres.connections import connector
from adapters.processes.prepare import wait_until_prepared
from projections.rebuild.inline_views import missing_inline_views
from projections.views.registry import VIEWS
from tests import databases
from tests.adapters.workload import Workload
from tests.adapters.world import settle_in
from tests.running.processes import command, environment, run_briefly, soon
from tests.running.rebuilding import ask, in_the_way, waiting
from tests.service import ROOT

PARTITIONS = 3

STEPS = {
    "stores the events": "lock table events in share mode",
    "grows the dedupe index": "lock table dedupe_index in share mode",
    "grows the directory": "lock table users in share mode",
    "says what it has stored": "lock table imports in share mode",
    "begins to grow a view": "lock table leases in share mode",
    "is in the middle of a page of a view": "lock table places in share mode",
    "lets a view serve": "select count(*) from measurements",
    "drops what served before": "lock table measurements_g1 in access share mode",
}
"""What another session does in an open transaction, so that an import waits when it …"""

STORED = list(STEPS)[4:]
"""Steps that come after the log is there, and all by which commands are decided."""


@pytest.fixture(scope="module")
def file(new_database: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The export of a log of random commands."""
    database = new_database()
    world = settle_in(connector(database))
    workload = Workload(world, seed=13)
    for _ in range(60):
        workload.run_group()
    workload.leave_something()
    world.log.close()
    path = tmp_path_factory.mktemp("export") / "log.ndjson"
    with path.open("w") as out:
        export(database, Selection(), format="ndjson", out=out)
    return path


@pytest.fixture
def empty(server: embedded.Server, template: Callable[[int], str]) -> Iterator[str]:
    with databases.copied(server.url, template(PARTITIONS)) as url:
        yield url


@pytest.mark.parametrize("step", STEPS)
def test_an_import_that_is_killed_goes_on_when_it_is_run_again(
    empty: str, file: Path, tmp_path: Path, step: str
) -> None:
    words = ("import-log", str(file), "--data", str(tmp_path))
    with (
        in_the_way(empty, STEPS[step]),
        subprocess.Popen(
            command(*words), env=environment(DATABASE_URL=empty), cwd=ROOT, stdout=subprocess.PIPE
        ) as process,
    ):
        assert soon(lambda: waiting(empty, "import") or process.poll() is not None, 60)
        assert process.poll() is None
        process.send_signal(signal.SIGKILL)
    sessions = "select from pg_stat_activity where datname = current_database() and application_name like 'import-%'"
    assert soon(lambda: not ask(empty, sessions), 30)

    ((events,),) = ask(empty, "select count(*) from events")
    ((users,),) = ask(empty, "select count(*) from users")
    assert (step in STORED) == bool(events) == bool(users)
    with psycopg.connect(empty) as connection:
        assert [] == missing_inline_views(connection)
    wait_until_prepared(empty, for_commands=True)

    again = run_briefly(*words, settings={"DATABASE_URL": empty})
    assert (0, "") == (again.returncode, again.stderr), again
    assert ("in the log already" in again.stdout) == bool(events)
    assert 0 == replay.check_log(empty, as_json=True, compares=True)
    assert [(name, True) for name in sorted(VIEWS.latest)] == ask(empty, "select view, live from views order by 1")
    assert [(True,)] == ask(empty, "select finished from imports")
