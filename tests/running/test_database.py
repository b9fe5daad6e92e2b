"""A command uses the configured database, the one that runs on its data folder, or starts its own."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from adapters.postgres import embedded
from adapters.processes.database import database
from adapters.settings import Settings
from tests.running.conftest import Alive
from tests.running.processes import processes_of, run_briefly, serving


@contextmanager
def connected(url: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    with psycopg.connect(url) as connection:
        yield connection


def test_the_address_in_the_settings_is_used_as_it_stands(tmp_path: Path) -> None:
    with database(Settings(database_url="postgresql://nobody/asked"), tmp_path / "data") as url:
        assert "postgresql://nobody/asked" == url
    assert not (tmp_path / "data").exists()


def test_beside_a_running_service_its_own_server_is_reached_and_left_running(alive: Alive) -> None:
    data = alive.run.data
    with database(Settings(), data, makes=True) as url, connected(url) as connection:
        assert connection.execute("select username from users where role = 'admin'").fetchall() == [("admin",)]
    assert 0 == run_briefly("prepare", "--data", str(data)).returncode
    assert alive.run.process.poll() is None
    assert embedded.url(data) is not None


def test_commands_that_need_a_database_report_its_absence_and_create_none(tmp_path: Path) -> None:
    for words in (["replay"], ["views", "status"], ["export"], ["api"], ["project"]):
        ended = run_briefly(*words, "--data", str(tmp_path / "data"), settings={})
        told = f"There is no database in {tmp_path / 'data'}, and DATABASE_URL names none.\n"
        assert (1, "", told) == (ended.returncode, ended.stdout, ended.stderr)
    assert not (tmp_path / "data").exists()


def test_a_command_starts_and_stops_the_server_of_a_data_folder_where_none_runs(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with database(Settings(), data, makes=True) as url:
        with connected(url) as connection:
            connection.execute("create table kept as select 'oak' as word")
        assert {} != processes_of(data)
    assert {} == processes_of(data)
    with (
        pytest.raises(psycopg.errors.UndefinedTable),
        database(Settings(), data, makes=True) as url,
        connected(url) as connection,
    ):
        connection.execute("select word from kept, nowhere")
    assert {} == processes_of(data)
    with database(Settings(), data, makes=True) as url, connected(url) as connection:
        assert connection.execute("select word from kept").fetchall() == [("oak",)]


def test_a_data_folder_prepared_beforehand_is_served_later(tmp_path: Path) -> None:
    data = tmp_path / "data"
    prepared = run_briefly("prepare", "--data", str(data), settings={})
    logged = [json.loads(line) for line in prepared.stderr.splitlines()]
    assert 0 == prepared.returncode
    assert ["migrations applied", "first admin registered"] == [line["event"] for line in logged]
    assert prepared.stdout.startswith("The first admin is 'admin' with password ")
    assert {} == processes_of(data)
    assert "" == run_briefly("prepare", "--data", str(data), settings={}).stdout
    with serving(data, {}) as run:
        assert f"Ready: {run.url}\n" == run.told
