"""`serve`: the embedded database, the API and the projector, started, watched and stopped together."""

import os
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path
from threading import Event as Flag
from typing import TextIO

import psycopg
import structlog

from adapters import children
from adapters.postgres import embedded
from adapters.postgres.migrate import SchemaChanged
from adapters.prepare import NotPrepared, outdated, prepare
from adapters.settings import VARIABLES, Settings

logger = structlog.get_logger()

START_TIME = 60.0
"""Seconds that the service may take to answer."""

RESTART_PAUSE = 1.0
"""Seconds before a child that ended is started again."""


class CannotServe(Exception):
    """The service cannot start; the message says why, for a person."""


class Child:
    """One process of the service, started again when it ends."""

    def __init__(self, arguments: list[str], environment: dict[str, str]) -> None:
        self.arguments = arguments
        self._environment = environment
        self.start()

    def start(self) -> None:
        self.process = children.spawn(self.arguments, self._environment)


def serve(settings: Settings, data: Path, host: str, port: int, out: TextIO = sys.stdout) -> None:
    """Run until SIGINT or SIGTERM. CannotServe."""
    stopping = Flag()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise CannotServe(f"{data} cannot be the data folder: {error.strerror}") from error
    _check_free(host, port)
    server = None if settings.database_url else _start_embedded(data)
    service: list[Child] = []
    try:
        url = settings.database_url or (server.url if server else "")
        environment = {**os.environ, VARIABLES["database_url"]: url}
        common = ["--data", str(data)]
        # They load while the database is prepared, and wait for it.
        service += [
            Child(["api", *common, "--host", host, "--port", str(port)], environment),
            Child(["project", *common], environment),
        ]
        password = _prepare(settings, data, url)
        if password is not None:
            told = f"The first admin is {settings.admin_username!r} with password {password!r}: shown only now."
            print(told, file=out, flush=True)
        for told in outdated(url):
            print(told, file=out, flush=True)
        address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        if _wait_until_ready(address, service[0], stopping):
            print(f"Ready: {address}", file=out, flush=True)
        while not stopping.wait(0.2):
            _watch(service)
            if server is not None and server.process.poll() is not None:
                logger.error("the embedded database ended", status=server.process.returncode)
                server = _start_embedded(data, again=True)
    finally:
        for child in service:
            children.stop(child.process)
        if server is not None:
            server.stop()


def _prepare(settings: Settings, data: Path, url: str) -> str | None:
    try:
        return prepare(settings, data, url)
    except psycopg.ProgrammingError as error:
        # What is wrong with an address may hold the password in it.
        raise CannotServe(f"{VARIABLES['database_url']} is no address of a database") from error
    except (psycopg.OperationalError, NotPrepared, SchemaChanged) as error:
        raise CannotServe(f"the database cannot be made ready: {str(error).strip()}") from error


def _start_embedded(data: Path, *, again: bool = False) -> embedded.Server:
    """`again`: in place of a server of ours that died, whose last sessions may take a moment to notice."""
    while True:
        try:
            return embedded.start(data)
        except embedded.ServerInUse as error:
            if not (again and error.pid == os.getpid()):
                raise CannotServe(
                    f"{data} is in use by process {error.pid}: stop it, or choose another --data"
                ) from error
            time.sleep(RESTART_PAUSE)
        except (RuntimeError, TimeoutError, OSError) as error:
            raise CannotServe(str(error)) from error


def _check_free(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with closing(socket.socket(family)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CannotServe(f"{host}:{port} cannot be served: {error.strerror}; choose another --port") from error


def _wait_until_ready(address: str, api: Child, stopping: Flag) -> bool:
    deadline = time.monotonic() + START_TIME
    while time.monotonic() < deadline:
        if api.process.poll() is not None:
            raise CannotServe("the API ended while it was starting; its log says why")
        try:
            with urllib.request.urlopen(f"{address}/health/ready", timeout=2):
                return True
        except (urllib.error.URLError, OSError):
            pass  # not yet
        if stopping.wait(0.02):
            return False
    raise CannotServe(f"the service was not ready after {START_TIME:.0f} s; its log says why")


def _watch(service: list[Child]) -> None:
    for child in service:
        if child.process.poll() is not None:
            logger.error("a process ended, and is started again", process=child.arguments[0])
            time.sleep(RESTART_PAUSE)
            child.start()
