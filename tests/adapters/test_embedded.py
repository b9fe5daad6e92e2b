"""The embedded PostgreSQL lives as long as its owner, and keeps what was committed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import psycopg
import pytest
from psycopg import pq

from adapters.postgres import embedded, server_account
from tests.other_users import as_another_user

PROJECT = Path(__file__).parents[2]
FAST = {"fsync": "off"}
OWNER = """
import sys
from pathlib import Path
import psycopg
from adapters.postgres import embedded, server_account
{before}
server = embedded.start(Path(sys.argv[1]), settings={settings})
with psycopg.connect(server.url) as connection:
    connection.execute("drop table if exists kept")
    connection.execute("create table kept as select 'oak' as word")
print("ready", flush=True)
sys.stdin.read()
"""
AS_EVERYWHERE = ""
WHERE_NAMESPACES_ARE_REFUSED = """
def refused(data): raise PermissionError
server_account._enter_namespace = refused
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Made once, since a first start writes 50 MB; its server is stopped before and after each test."""
    folder = tmp_path_factory.mktemp("embedded") / "data"
    embedded.start(folder, settings=FAST).stop()
    yield folder
    sweep(folder)


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    sweep(tmp_path)


def sweep(folder: Path) -> None:
    assert soon(lambda: not processes_in(folder))
    shutil.rmtree(folder)  # pytest would keep it


@contextmanager
def running(data: Path) -> Iterator[embedded.Server]:
    server = embedded.start(data, settings=FAST)
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def owned(
    data: Path, before: str = AS_EVERYWHERE, prepare: Callable[[], None] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """Another process that starts the server and keeps an oak in it."""
    script = OWNER.format(before=before, settings=FAST)
    with subprocess.Popen(
        [sys.executable, "-c", script, str(data)],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=prepare,  # noqa: PLW1509 - no other thread runs
    ) as owner:
        try:
            yield owner
        finally:
            owner.kill()


def leave_dead(owner: subprocess.Popen[str]) -> None:
    """Killed but not reaped, as under a parent that does not care: a zombie owns nothing."""
    owner.kill()
    os.waitid(os.P_PID, owner.pid, os.WEXITED | os.WNOWAIT)


def is_ready(owner: subprocess.Popen[str]) -> bool:
    assert owner.stdout is not None
    return owner.stdout.readline() == "ready\n"


def keep(server: embedded.Server, word: str) -> None:
    with psycopg.connect(server.url) as connection:
        connection.execute("drop table if exists kept")
        connection.execute("create table kept as select %s::text as word", [word])


def kept(server: embedded.Server) -> list[str]:
    return [row[0] for row in ask(server, "select word from kept")]


def ask(server: embedded.Server, question: str) -> list[tuple[str, ...]]:
    with psycopg.connect(server.url) as connection:
        return connection.execute(question.encode()).fetchall()


def processes_in(data: Path) -> list[int]:
    """The server's processes: each works in its folder, or was called with its name."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            place = os.readlink(process / "cwd")
            call = (process / "cmdline").read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        if place.startswith(str(data)) or (b"-D" in call and str(data / "postgres").encode() in call):
            found.append(int(process.name))
    return found


@contextmanager
def frozen(data: Path) -> Iterator[None]:
    """The server's processes can end by force alone."""
    stopped: set[int] = set()
    while others := set(processes_in(data)) - stopped:
        for process in others:
            with suppress(ProcessLookupError):  # a session that was just ending
                os.kill(process, signal.SIGSTOP)
        stopped |= others
    try:
        yield
    finally:
        for process in stopped & set(processes_in(data)):
            os.kill(process, signal.SIGCONT)


def soon(holds: Callable[[], bool], seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.01)
    return holds()


def test_a_first_start_makes_a_closed_folder_and_a_durable_server(data: Path) -> None:
    server = embedded.start(data)
    try:
        assert ask(server, "select current_user::text, current_catalog::text") == [("growthrings",) * 2]
        assert ask(server, "show fsync") + ask(server, "show synchronous_commit") == [("on",), ("on",)]
        assert ask(server, "show server_encoding") == [("UTF8",)]
        assert ask(server, "show listen_addresses") == [("",)]
        assert set(ask(server, "select datcollate from pg_database")) == {("C",)}
        assert data.stat().st_mode & 0o777 == 0o700
        assert embedded.url(data) == server.url
    finally:
        server.stop()


def test_a_second_start_finds_the_rows_that_were_committed(data: Path) -> None:
    with running(data) as server:
        keep(server, "elm")
    with running(data) as server:
        assert kept(server) == ["elm"]


def test_starting_a_second_embedded_server_reports_the_pid_of_the_live_owner(data: Path) -> None:
    with owned(data) as owner:
        assert is_ready(owner)
        with pytest.raises(embedded.ServerInUse) as refusal:
            embedded.start(data)
        assert refusal.value.pid == owner.pid


def test_two_starts_of_one_process_are_not_two_servers(data: Path) -> None:
    with running(data) as server:
        with pytest.raises(embedded.ServerInUse) as refusal:
            embedded.start(data)
        assert refusal.value.pid == os.getpid()
        assert ask(server, "select 'still here'") == [("still here",)]


@pytest.mark.parametrize(
    "before",
    [AS_EVERYWHERE, pytest.param(WHERE_NAMESPACES_ARE_REFUSED, marks=as_another_user)],
    ids=["plain", "nobody"],
)
def test_a_killed_owner_leaves_no_server_and_loses_nothing(data: Path, before: str) -> None:
    with owned(data, before) as owner:
        assert is_ready(owner)
        assert processes_in(data) != []
        owner.kill()
        assert soon(lambda: not processes_in(data))
    with running(data) as server:
        assert kept(server) == ["oak"]


def test_a_start_right_after_the_owner_was_killed_waits_for_the_server_it_left(data: Path) -> None:
    with owned(data) as owner:
        assert is_ready(owner)
        with frozen(data):
            leave_dead(owner)
            with pytest.raises(TimeoutError):
                embedded.start(data, wait=0.1)
        with running(data) as server:
            assert kept(server) == ["oak"]


def test_leftovers_of_an_interrupted_first_start_are_discarded(fresh: Path) -> None:
    with owned(fresh) as owner:
        assert soon((fresh / "postgres.new" / "base").exists)
        leave_dead(owner)
        assert soon(lambda: not processes_in(fresh))
        (fresh / "postgres.new" / "PG_VERSION").write_text("18\n")  # as if the power had failed
        with running(fresh) as server:
            keep(server, "ash")
            assert kept(server) == ["ash"]
            assert not (fresh / "postgres.new").exists()


def test_a_server_that_does_not_stop_is_killed_and_the_next_start_recovers(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    impatient = ((signal.SIGINT, 0.1), (signal.SIGQUIT, 0.1), (signal.SIGKILL, None))
    monkeypatch.setattr(embedded, "_STOPPING", impatient)
    with running(data) as server:
        keep(server, "fir")
        with frozen(data):
            server.stop()
            assert server.process.returncode == -signal.SIGKILL
            with pytest.raises(TimeoutError):  # not ServerInUse: we have given it up, but not all of it has ended
                embedded.start(data, wait=0.1)
    with running(data) as server:
        assert kept(server) == ["fir"]


def test_a_second_stop_does_nothing(data: Path) -> None:
    server = embedded.start(data, settings=FAST)
    server.stop()
    server.stop()
    assert server.process.returncode == 0
    assert processes_in(data) == []


def test_leftovers_that_name_a_strangers_process_do_not_hinder_a_start(data: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as stranger:
        try:
            (data / "run").mkdir(exist_ok=True)
            for leftover in (data / "postgres" / "postmaster.pid", data / "run" / ".s.PGSQL.5432.lock"):
                leftover.write_text(f"{stranger.pid}\n{data / 'postgres'}\n1\n5432\n{data / 'run'}\n\n")
            with running(data) as server:
                assert ask(server, "select 'up'") == [("up",)]
        finally:
            stranger.kill()


@pytest.mark.parametrize("name", ["a, \"b\" 'c' d", "deep/" * 30 + "data"], ids=["odd", "long"])
def test_any_path_will_do(data: Path, tmp_path: Path, name: str) -> None:
    elsewhere = tmp_path / name
    elsewhere.parent.mkdir(parents=True, exist_ok=True)
    data.rename(elsewhere)
    left = Path(tempfile.mkdtemp())  # as the socket's folder by an owner that was killed
    (elsewhere / "socket").write_text(str(left))
    try:
        with running(elsewhere) as server:
            assert not left.exists()
            folder = Path((elsewhere / "socket").read_text())
            assert folder.stat().st_mode & 0o777 == 0o700
            assert len(os.fsencode(folder / ".s.PGSQL.5432")) <= 100
            assert embedded.url(elsewhere) == server.url
        assert not folder.exists()
    finally:
        elsewhere.rename(data)


def test_variables_for_other_servers_change_nothing(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("PGPORT", "5433")
        elsewhere.setenv("PGDATESTYLE", "German")
        server = embedded.start(data, settings=FAST)
    try:
        assert ask(server, "show datestyle") == [("ISO, MDY",)]
    finally:
        server.stop()


def test_a_data_folder_without_a_running_server_has_no_url(data: Path, tmp_path: Path) -> None:
    assert embedded.url(tmp_path / "nothing") is None
    assert embedded.url(data) is None
    with running(data):
        (tmp_path / "copy").mkdir()
        shutil.copy(data / "socket", tmp_path / "copy")
        assert embedded.url(tmp_path / "copy") is None
    assert embedded.url(data) is None


def test_a_server_that_cannot_run_says_why_and_frees_its_folder(data: Path) -> None:
    with pytest.raises(RuntimeError, match='"shared_buffers": "acorns"'):
        embedded.start(data, settings={"shared_buffers": "acorns"})
    with running(data) as server:
        assert "acorns" in (data / "postgres.log.1").read_text()
        assert ask(server, "show shared_buffers") == [("128MB",)]


def test_a_start_that_takes_too_long_leaves_no_server(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "_content", lambda _: "")  # it gives no sign of life
    with pytest.raises(TimeoutError):
        embedded.start(data, settings=FAST, wait=0)
    assert processes_in(data) == []


def test_a_start_makes_no_thread(data: Path) -> None:
    before = os.listdir("/proc/self/task")
    with running(data):
        assert os.listdir("/proc/self/task") == before


def test_a_start_outside_the_main_thread_is_refused_since_its_end_would_stop_the_server(
    data: Path,
) -> None:
    refusals: list[RuntimeError] = []

    def outside() -> None:
        try:
            embedded.start(data, settings=FAST).stop()
        except RuntimeError as refusal:
            refusals.append(refusal)

    thread = threading.Thread(target=outside)
    thread.start()
    thread.join()
    assert ["main thread" in str(refusal) for refusal in refusals] == [True]


@as_another_user
def test_where_root_may_not_make_a_namespace_the_server_runs_as_nobody(
    fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_: Path) -> None:
        raise PermissionError

    with monkeypatch.context() as refusing:
        refusing.setattr(server_account, "_enter_namespace", refused)
        with running(fresh) as server:
            keep(server, "yew")
            assert users_of(server) == ["65534"] * 4
    with running(fresh) as server:
        assert kept(server) == ["yew"]
        assert users_of(server) == ["0"] * 4


@as_another_user
def test_the_server_of_root_runs_in_a_home_that_only_its_owner_may_enter(data: Path, tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    os.chown(tmp_path, 1000, 1000)
    theirs = data.rename(tmp_path / "data")
    try:
        with running(theirs) as server:
            keep(server, "box")
            assert kept(server) == ["box"]
    finally:
        theirs.rename(data)


def users_of(server: embedded.Server) -> list[str]:
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return next(line.split()[1:] for line in status.splitlines() if line.startswith("Uid:"))


@as_another_user
def test_a_user_who_is_not_root_runs_a_server(data: Path) -> None:
    subprocess.run(["chown", "-R", "65534", data], check=True)
    try:
        # As by setpriv, and able to reach an interpreter that is in root's home.
        with owned(data, prepare=partial(server_account._become_nobody, data)) as owner:
            assert is_ready(owner)
            with pytest.raises(embedded.ServerInUse) as refusal:
                embedded.start(data)
            assert refusal.value.pid == owner.pid
        assert soon(lambda: not processes_in(data))
    finally:
        subprocess.run(["chown", "-R", "0", data], check=True)


VARIABLES = sorted(
    {option.envvar.decode() for option in pq.Conninfo.get_defaults() if option.envvar}
    | {"PGDATA", "PGDATESTYLE", "PGGEQO", "PGSERVICEFILE", "PGSYSCONFDIR", "PGTZ"}
)


def test_no_variable_of_postgresql_counts_for_the_embedded_server(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def set_all() -> None:
        for name in VARIABLES:
            monkeypatch.setenv(name, {"PGHOSTADDR": "127.0.0.1", "PGPORT": "1"}.get(name, "nonsense"))

    set_all()
    with running(data) as server:
        set_all()
        assert server.url == embedded.url(data)
        zone, folder = "current_setting('timezone')", "current_setting('data_directory')"
        assert [("UTC", str(data / "postgres"))] == ask(server, f"select {zone}, {folder}")


def test_a_server_that_has_its_files_elsewhere_is_not_taken_for_the_embedded_one(
    data: Path, fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(data) as other:
        monkeypatch.setattr(embedded, "_address", lambda _: other.url)
        with pytest.raises(RuntimeError, match=f"its files in {data}/postgres, not in {fresh}/postgres"):
            embedded.start(fresh, settings=FAST)
        assert embedded.url(fresh) is None


def test_the_files_of_a_new_server_say_utc_whatever_the_zone_of_the_machine(
    fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    embedded.start(fresh, settings=FAST).stop()
    written = (fresh / "postgres" / "postgresql.conf").read_text()
    assert {"timezone = UTC", "log_timezone = UTC"} <= {line.partition("#")[0].strip() for line in written.splitlines()}
