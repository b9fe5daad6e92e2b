"""Stands between an importing client and the service, and lets through as many requests with entries as it is told."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx


class RequestGate(ThreadingHTTPServer):
    """An address of its own, on which everything passes but entries: these wait until `allow` has room for them."""

    daemon_threads = True

    def __init__(self, service: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.service = service
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self._room = threading.Semaphore(0)

    def allow(self, requests: int) -> None:
        self._room.release(requests)

    def pass_through(self, path: str) -> None:
        if path.endswith("/entries"):
            self._room.acquire()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: RequestGate

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.pass_through(self.path)
        self._forward(body)

    def do_GET(self) -> None:
        self._forward(None)

    def _forward(self, body: bytes | None) -> None:
        headers = {name: self.headers[name] for name in ("Authorization", "Content-Type") if name in self.headers}
        try:
            answer = httpx.request(
                self.command, self.server.service + self.path, content=body, headers=headers, timeout=60
            )
        except httpx.RequestError:
            self.close_connection = True  # as if the service itself had gone
            return
        self.send_response(answer.status_code)
        self.send_header("Content-Type", answer.headers["Content-Type"])
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing: what happened is told by the client."""


@contextmanager
def before(service: str) -> Iterator[RequestGate]:
    """A turnstile in front of a service, for as long as the block runs."""
    gate = RequestGate(service)
    thread = threading.Thread(target=gate.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield gate
    finally:
        gate.shutdown()
        thread.join()
        gate.server_close()
