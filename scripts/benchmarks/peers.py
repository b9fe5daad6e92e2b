"""The measured processes. Each runs for the duration of a `with` block."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

ROOT = Path(__file__).parents[2]
LIBRARY_DATABASE = "bench_library"
LIBRARY_POOL = 5
"""Connections in the library's pool: its default. Each save locks the table, so more connections would only wait."""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextmanager
def process(arguments: list[str], log: Path, is_ready: Callable[[], bool], **environment: str) -> Iterator[None]:
    """Run `python <arguments>` in the project's root, with its output in `log`, and wait until `is_ready`.

    Raises RuntimeError if it ends early or is not ready within two minutes. Every error gets the end of the log as a
    note.
    """
    with log.open("wb") as output:
        running = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_for(running, is_ready)
        yield
    except Exception as error:
        if last := log.read_text(errors="replace")[-3000:].strip():
            error.add_note(f"{log.name}, exit {running.poll()}:\n{last}")
        raise
    finally:
        running.terminate()
        try:
            running.wait(20)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


def wait_for(running: "subprocess.Popen[bytes]", is_ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not is_ready():
        if running.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{running.args!r} is not ready")
        time.sleep(0.05)


@contextmanager
def listener(arguments: list[str], port: int, log: Path, **environment: str) -> Iterator[int]:
    """Run a process that is ready once its port accepts connections; yields the port."""

    def is_ready() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    with process(arguments, log, is_ready, **environment):
        yield port


@contextmanager
def on_uvicorn(module: str, folder: Path, **environment: str) -> Iterator[int]:
    """Run the `app` of a peer in one uvicorn process with uvloop and httptools; yields the port."""
    port = free_port()
    arguments = ["-m", "uvicorn", f"scripts.benchmarks.{module}:app", "--port", str(port)]
    arguments += ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"]
    with listener(arguments, port, folder / f"{module}.log", **environment):
        yield port


@contextmanager
def echo(folder: Path) -> Iterator[int]:
    """Run the server that sends the body back; yields the port."""
    port = free_port()
    with listener(["-m", "scripts.benchmarks.peer_echo", str(port)], port, folder / "peer_echo.log"):
        yield port


@contextmanager
def bare(folder: Path) -> Iterator[int]:
    """Run the handler that only decodes and responds; yields the port."""
    with on_uvicorn("peer_bare", folder) as port:
        yield port


@contextmanager
def library(folder: Path, conninfo: str) -> Iterator[int]:
    """Run the library's peer with its own database on the same server; yields the port."""
    name = sql.Identifier(LIBRARY_DATABASE)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
    server = conninfo_to_dict(conninfo)
    settings = {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": LIBRARY_DATABASE,
        "POSTGRES_HOST": str(server["host"]),
        "POSTGRES_PORT": str(server.get("port", 5432)),
        "POSTGRES_USER": str(server["user"]),
        "POSTGRES_PASSWORD": str(server.get("password", "")),
        "POSTGRES_POOL_SIZE": str(LIBRARY_POOL),
        "POSTGRES_MAX_OVERFLOW": "0",
    }
    with on_uvicorn("peer_library", folder, **settings) as port:
        yield port
