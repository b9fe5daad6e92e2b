"""A request whose body comes to its end only when a test says so: in flight for as long as it likes."""

import json
import socket
from types import TracebackType
from typing import Any, Self

PAUSE = 30.0
"""Seconds that an answer may take."""


class UnfinishedRequest:
    """A POST of JSON that the application has begun to read, once this is made."""

    def __init__(self, port: int, path: str, token: str, body: Any) -> None:
        content = json.dumps(body).encode()
        self._half, self._rest = content[:5], content[5:]
        self.socket = socket.create_connection(("127.0.0.1", port), PAUSE)
        head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\nExpect: 100-continue\r\n\r\n"
        )
        self.socket.sendall(head.encode())
        # Said when somebody reads the body.
        assert b"HTTP/1.1 100 Continue\r\n\r\n" == self.socket.recv(4096)
        self.socket.sendall(self._half)

    def finish(self) -> tuple[int, bytes]:
        """Send what is missing; the status and the body of the answer, after which the connection ends."""
        self.socket.sendall(self._rest)
        answer = b""
        while piece := self.socket.recv(4096):
            answer += piece
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), body

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.socket.close()
