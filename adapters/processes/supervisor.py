"""`serve`: starts, supervises and stops the embedded database, the API processes and the projector."""

import errno
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
from collections.abc import Sequence
from pathlib import Path
from threading import Event as Flag
from typing import Any, TextIO

import psycopg
import structlog
from psycopg import Connection

from adapters.errors import CommandFailed
from adapters.postgres import embedded
from adapters.postgres.connections import connector
from adapters.postgres.wait_for_database import PAUSE, connect_when_available, is_connection_lost, one_line
from adapters.processes.prepare import NotPrepared, outdated_view_notices, prepare
from adapters.settings import VARIABLES, Settings, subprocess_environment
from adapters.system import subprocesses, tls
from adapters.system.listening import is_listening
from adapters.telemetry import metrics_folder
from adapters.version import VERSION
from application.outage import Outage

logger = structlog.get_logger()

START_TIMEOUT = 60.0
"""Seconds in which the service must become ready."""

BIND_TIMEOUT = 2.0
"""Seconds for which an address that is in use is tried again."""

RESTART_PAUSE = 1.0
"""Seconds before a subprocess that ended is started again."""

STABLE_AFTER = 10.0
"""Seconds after which a restarted subprocess counts as running again."""


class CannotServe(CommandFailed):
    """The service cannot start; the message tells a person why."""


class Subprocess:
    """One process of the service; restarted when it ends."""

    def __init__(self, arguments: list[str], environment: dict[str, str], descriptors: Sequence[int] = ()) -> None:
        """`descriptors`: files that it inherits."""
        self._arguments = arguments
        self._environment = environment
        self._descriptors = descriptors
        self._outage = Outage("a process ended; starting it again", "the process that was started again keeps running")
        self._start()

    def _start(self) -> None:
        self.process = subprocesses.spawn(self._arguments, self._environment, pass_fds=self._descriptors)
        self._started_at = time.monotonic()
        self._ended_at: float | None = None
        logger.info("process started", started=self._arguments[0], subprocess=self.process.pid)

    def watch(self) -> None:
        """Restart it if it ended RESTART_PAUSE seconds ago. Returns at once, so that others are watched meanwhile."""
        if self.process.poll() is None:
            if self._outage.is_on and time.monotonic() > self._started_at + STABLE_AFTER:
                self._outage.works(started=self._arguments[0], subprocess=self.process.pid)
            return
        if self._ended_at is None:
            self._ended_at = time.monotonic()
            status = self.process.returncode
            self._outage.failed(f"status {status}", started=self._arguments[0], subprocess=self.process.pid)
        elif time.monotonic() > self._ended_at + RESTART_PAUSE:
            try:
                self._start()
            except (OSError, subprocess.SubprocessError) as error:  # for example, no memory left, or too many processes
                self._ended_at = time.monotonic()
                self._outage.failed(str(error), started=self._arguments[0])


class Database:
    """The database of the service: the one that the settings name or, without one, an embedded PostgreSQL."""

    def __init__(self, settings: Settings, data: Path, stopping: Flag) -> None:
        """CannotServe."""
        self._data = data
        self._stopping = stopping
        self._server = None if settings.database_url else _start_embedded(data)
        self.url = settings.database_url or (self._server.url if self._server else "")

    def restart_if_ended(self) -> None:
        """If an embedded PostgreSQL has ended, start it again, until that succeeds or the service stops. It can fail
        while its last sessions are still ending, or the disk is full."""
        if self._server is None or self._server.process.poll() is None:
            return
        logger.error("the embedded database ended", status=self._server.process.returncode)
        outage = Outage("could not start the embedded database; trying again", "the embedded database is running again")
        while not self._stopping.is_set():
            try:
                self._server = embedded.start(self._data, after=self._server)
            except (embedded.ServerInUse, RuntimeError, TimeoutError, OSError) as error:
                outage.failed(str(error).partition("\n")[0])  # its own log says more
                self._stopping.wait(RESTART_PAUSE)
            else:
                outage.works()
                logger.info("embedded database restarted", subprocess=self._server.process.pid)
                return

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()
            logger.info("embedded database stopped")


def _start_embedded(data: Path) -> embedded.Server:
    try:
        server = embedded.start(data)
    except embedded.ServerInUse as error:
        raise CannotServe(f"{data} is in use by process {error.pid}: stop it, or choose another --data") from error
    except (RuntimeError, TimeoutError, OSError) as error:
        raise CannotServe(str(error)) from error
    logger.info("embedded database started", subprocess=server.process.pid)
    return server


def serve(settings: Settings, data: Path, host: str, port: int, *, workers: int = 1, out: TextIO = sys.stdout) -> None:
    """Run until SIGINT or SIGTERM, then finish the requests in flight and end. CannotServe.

    All API processes accept connections from one socket, which this process keeps open. While one of them restarts, the
    others accept; without others, connections wait in the queue of the socket. If each process had a socket, the queue
    of a process that was killed would be lost.
    """
    stopping = Flag()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise CannotServe(f"{data} cannot be the data folder: {error.strerror}") from error
    listening = _bind(host, port)
    database = Database(settings, data, stopping)
    apis: list[Subprocess] = []
    projectors: list[Subprocess] = []
    try:
        if (connection := _connect(database, stopping)) is None:  # before starting processes that would all wait
            return
        connection.close()
        logger.info("supervisor starts", version=VERSION, pid=os.getpid(), data=str(data), workers=workers)
        together = metrics_folder.emptied(data / "metrics") if workers > 1 else {}
        environment = {**os.environ, VARIABLES["database_url"]: database.url}
        of_api = subprocess_environment(environment, ("admin_password",)) | together
        of_projector = subprocess_environment(environment, ("admin_password", "private_key", "redis_url"))
        common = ["--data", str(data)]
        # They load while the database is being prepared, and wait for it.
        descriptor = listening.fileno()
        for _ in range(workers):
            apis.append(Subprocess(["api", *common, "--socket", str(descriptor)], of_api, [descriptor]))
        projectors.append(Subprocess(["project", *common], of_projector))
        if not _prepare(settings, data, database, stopping, out):
            return
        scheme = "https" if tls.is_on(settings) else "http"
        address = f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"
        if _wait_until_ready(address, apis, database, stopping):
            print(f"Ready: {address}", file=out, flush=True)
            logger.info("service is ready", address=address)
        while not stopping.wait(0.2):
            for each in apis + projectors:
                each.watch()
            database.restart_if_ended()
        logger.info("service stops")
    finally:
        # In this order: requests may wait for a view, and projectors need the database.
        subprocesses.stop(*(each.process for each in apis))
        _close_listener(listening, settings)
        subprocesses.stop(*(each.process for each in projectors))
        database.stop()
    logger.info("supervisor ended")


def _connect(database: Database, stopping: Flag) -> Connection[Any] | None:
    """A session; waits while the database is unreachable. None if the service is to stop. CannotServe."""
    try:
        return connect_when_available(database.url, stopping, database.restart_if_ended)
    except psycopg.OperationalError as error:
        raise CannotServe(
            f"the database refuses the connection: {one_line(error)}; correct {VARIABLES['database_url']}"
        ) from error


def _is_unreachable(url: str) -> bool:
    try:
        connector(url)("prepare").close()
    except psycopg.OperationalError:
        return True
    return False


def _prepare(settings: Settings, data: Path, database: Database, stopping: Flag, out: TextIO) -> bool:
    """Prepare the database, again if it was lost meanwhile. False if the service is to stop. CannotServe."""
    outage = Outage("lost the database while preparing it; trying again", "the database is prepared")
    while (connection := _connect(database, stopping)) is not None:
        connection.close()
        try:
            prepare(settings, data, database.url, out=out)
            for line in outdated_view_notices(database.url):
                print(line, file=out, flush=True)
        except (NotPrepared, psycopg.OperationalError) as error:
            if isinstance(error, NotPrepared) or not is_connection_lost(error):
                raise CannotServe(f"the database could not be prepared: {one_line(error)}") from error
            outage.failed(one_line(error))
            stopping.wait(PAUSE)
        else:
            outage.works()
            return True
    return False


def _bind(host: str, port: int) -> socket.socket:
    """A socket bound to the address. Retries for BIND_TIMEOUT seconds: an API process whose supervisor was killed needs
    less to release the address."""
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    deadline = time.monotonic() + BIND_TIMEOUT
    while True:
        try:
            listening.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE and time.monotonic() < deadline:
                time.sleep(0.05)
                continue
            listening.close()
            raise CannotServe(f"{host}:{port} cannot be served: {error.strerror}; choose another --port") from error
        return listening


def _close_listener(listening: socket.socket, settings: Settings) -> None:
    """Answer the connections that are waiting; later ones are refused at once."""
    if is_listening(listening):
        from adapters.http.edge.closing_listener import send_away  # noqa: PLC0415  # loads the framework, and only when the service ends

        send_away(listening, tls.context(settings))
    listening.close()


def _wait_until_ready(address: str, apis: Sequence[Subprocess], database: Database, stopping: Flag) -> bool:
    """True once the service is ready; False if it is to stop. CannotServe after START_TIMEOUT seconds; time without a
    database does not count."""
    opener = tls.local_opener()
    deadline = time.monotonic() + START_TIMEOUT
    while True:
        database.restart_if_ended()
        if any(api.process.poll() is not None for api in apis):
            raise CannotServe("the API ended while it was starting; its log says why")
        try:
            with opener.open(f"{address}/health/ready", timeout=2):
                return True
        except (urllib.error.URLError, OSError):
            pass  # not yet
        if stopping.wait(0.02):
            return False
        if time.monotonic() > deadline:
            if not _is_unreachable(database.url):
                raise CannotServe(f"the service was not ready after {START_TIMEOUT:.0f} s; its log says why")
            deadline = time.monotonic() + START_TIMEOUT
