"""A proxy in front of PostgreSQL that keeps a connection open, and stops passing bytes on."""

import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path

_CHUNK = 65_536


class Stall(Enum):
    """What happens from the chunk on that contains the marker."""

    ANSWERS = "the server gets everything, its answers get lost"
    MESSAGE = "the server gets the first half of this chunk, and nothing after it"


class StallingProxy:
    """A port of this machine that leads to the socket of a server. `stall` is done once, to the first connection whose
    client sends `marker`; set `stalled` tells of it. Connections stay open until the proxy is closed."""

    def __init__(self, server: Path, marker: bytes) -> None:
        self.stall: Stall | None = None
        self.stalled = threading.Event()
        self._marker = marker
        self._server = server
        self._closed = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def close(self) -> None:
        self._closed.set()
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
            thread = threading.Thread(target=self._pass, args=[client])
            thread.start()
            self._threads.append(thread)

    def _pass(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as server:
            server.connect(str(self._server))
            stall: Stall | None = None
            while not self._closed.is_set():
                for source in select.select([client, server], [], [], 0.05)[0]:
                    try:
                        data = source.recv(_CHUNK)
                    except ConnectionResetError:
                        data = b""
                    if not data:
                        if stall is None:
                            return
                        self._closed.wait()  # nor does either side learn that the other has gone
                    elif source is client and stall is None and self._marker in data and self.stall is not None:
                        stall, self.stall = self.stall, None
                        server.sendall(data if stall is Stall.ANSWERS else data[: len(data) // 2])
                        self.stalled.set()
                    elif source is client and stall is not Stall.MESSAGE:
                        server.sendall(data)
                    elif source is server and stall is None:
                        client.sendall(data)


@contextmanager
def stalling(server: Path, marker: bytes) -> Iterator[StallingProxy]:
    proxy = StallingProxy(server, marker)
    try:
        yield proxy
    finally:
        proxy.close()
