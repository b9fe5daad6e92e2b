"""Stands between a client and PostgreSQL, and cuts the line where it is told to."""

import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path

_COMMIT = b"Q\x00\x00\x00\x0bCOMMIT\x00"
"""What psycopg sends: a simple query."""
_SET_UP = b"enable_mergejoin"
"""What the last statement that sets up a session of the log says."""
_CHUNK = 65_536


class Cut(Enum):
    """Where the line is cut at a commit."""

    BEFORE = "the server never hears of it"
    DURING = "the server has heard of it, and is at it"
    AFTER = "the server has done it, and its answer is not passed on"


class Proxy:
    """A port of this machine that leads to the socket of a server.

    `next_cut` is made at the next commit, once. Then for `outage` seconds connections are closed at once, and then the
    next `cut_sessions` of them after their set-up.
    """

    def __init__(self, server: Path) -> None:
        self.next_cut: Cut | None = None
        self.outage = 0.0
        self.cut_sessions = 0
        self._away_until = 0.0
        self._server = server
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def close(self) -> None:
        """Once the clients are gone."""
        self._listener.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:  # closed
                return
            if time.monotonic() < self._away_until:
                client.close()
                continue
            thread = threading.Thread(target=self._pass, args=[client])
            thread.start()
            self._threads.append(thread)

    def _pass(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as server:
            server.connect(str(self._server))
            is_set_up = False
            while True:
                for source in select.select([client, server], [], [])[0]:
                    try:
                        data = source.recv(_CHUNK)
                    except ConnectionResetError:
                        return
                    if not data:
                        return
                    if source is client and is_set_up and self._cuts_session():
                        return
                    if source is client:
                        is_set_up = is_set_up or _SET_UP in data
                        if data.endswith(_COMMIT) and self.next_cut is not None:
                            self._commit(server, data)
                            return
                    (server if source is client else client).sendall(data)

    def _commit(self, server: socket.socket, data: bytes) -> None:
        cut, self.next_cut = self.next_cut, None
        if cut is not Cut.BEFORE:
            server.sendall(data)
        if cut is Cut.AFTER:
            server.recv(_CHUNK)
        self._away_until = time.monotonic() + self.outage

    def _cuts_session(self) -> bool:
        """Counts down, once the commit has been cut."""
        if self.next_cut is not None or not self.cut_sessions:
            return False
        self.cut_sessions -= 1
        return True


@contextmanager
def between(server: Path) -> Iterator[Proxy]:
    proxy = Proxy(server)
    try:
        yield proxy
    finally:
        proxy.close()
