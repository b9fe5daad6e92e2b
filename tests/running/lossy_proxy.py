"""A line to PostgreSQL that can swallow everything that is said on it, and keeps it open."""

import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_CHUNK = 65_536


class LossyProxy:
    """A port of this machine that leads to the socket of a server. What was being passed while it swallowed stays
    lost: of those connections nothing comes any more."""

    def __init__(self, server: Path, last: bytes | None = None) -> None:
        """`last`: a connection is lost once its client sends something that begins so."""
        self._server = server
        self._last = last
        self._swallows = threading.Event()
        self._lost = 0
        self._ended = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @contextmanager
    def swallowing(self) -> Iterator[None]:
        self._swallows.set()
        try:
            yield
        finally:
            self._swallows.clear()

    def lose_all(self) -> None:
        """Of the connections that are there now nothing comes any more; new ones are as good as ever."""
        self._lost += 1

    def close(self) -> None:
        self._ended = True
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:  # closed
                return
            threading.Thread(target=self._pass, args=[client], daemon=True).start()

    def _pass(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as server:
            try:
                server.connect(str(self._server))
                is_dead, lost = False, self._lost
                while not self._ended:
                    for source in select.select([client, server], [], [], 1)[0]:
                        data = source.recv(_CHUNK)
                        if not data:
                            return
                        is_last = source is client and self._last is not None and data.startswith(self._last)
                        is_dead = is_dead or is_last or self._swallows.is_set() or lost < self._lost
                        if not is_dead:
                            (server if source is client else client).sendall(data)
            except OSError:
                return  # one of them is gone


@contextmanager
def lossy_proxy_to(server: Path, last: bytes | None = None) -> Iterator[LossyProxy]:
    line = LossyProxy(server, last)
    try:
        yield line
    finally:
        line.close()
