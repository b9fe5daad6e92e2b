"""A health check tells of the processes of its own machine only, and of what is wrong with them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import psycopg
import pytest

from adapters.healthy import Unhealthy, check_api, check_projector
from adapters.settings import Settings
from projections.sessions import session_name
from projections.views import VIEWS

EVERY = sorted(VIEWS.latest)


@pytest.fixture
def keep(database: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Lets a projector of a host be there for views; `seconds`: for how long it has said so."""

    def keep(*views: str, host: str = "here", seconds: int = 60) -> None:
        monkeypatch.setattr("socket.gethostname", lambda: host)
        with psycopg.connect(database) as connection:
            for view in views:
                connection.execute(
                    "insert into workers (view, generation, owner, until, rate)"
                    " values (%s, 1, %s, now() + %s * interval '1 second', 0)",
                    [view, session_name("projector"), seconds],
                )
        monkeypatch.setattr("socket.gethostname", lambda: "here")

    return keep


def test_projectors_of_this_host_that_keep_every_live_view_are_healthy(
    database: str, keep: Callable[..., None]
) -> None:
    keep(*EVERY)
    keep(*EVERY, host="here-too")
    check_projector(database)


@pytest.mark.parametrize(
    ("kept", "host", "seconds"),
    [
        ([], "here", 60),
        (EVERY[1:], "here", 60),
        (EVERY, "elsewhere", 60),
        (EVERY, "here-too", 60),
        (EVERY, "her", 60),
        (EVERY, "here", -1),
    ],
)
def test_views_that_no_projector_of_this_host_keeps_now_are_named(
    database: str, keep: Callable[..., None], kept: list[str], host: str, seconds: int
) -> None:
    keep(*EVERY[1:])
    keep(*kept, host=host, seconds=seconds)
    with pytest.raises(Unhealthy, match=rf"keeps {EVERY[0]}$"):
        check_projector(database)


@pytest.mark.parametrize("url", [None, "host=/nowhere", "postgresql://someone:s3cret@[nowhere"])
def test_a_database_that_cannot_be_asked_is_told_without_its_address(url: str | None) -> None:
    with pytest.raises(Unhealthy, match="database") as told:
        check_projector(url)
    assert not {"nowhere", "s3cret"} & set(str(told.value).replace("@", " ").replace(":", " ").split())


@contextmanager
def answering(status: int, body: bytes) -> Iterator[int]:
    """The port of an API that always says the same."""

    class Always(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert self.path == "/health/ready"
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Always) as server:
        Thread(target=server.handle_request).start()
        yield server.server_port


def test_an_api_that_is_ready_is_healthy() -> None:
    with answering(200, b"{}") as port:
        check_api(Settings(), port)


def test_an_api_that_is_not_ready_is_told_with_its_reasons() -> None:
    with answering(503, b'{"log": "unreachable"}') as port, pytest.raises(Unhealthy, match=r'503: .*"unreachable"'):
        check_api(Settings(), port)


def test_an_api_that_nobody_hears_of_is_unhealthy() -> None:
    with answering(200, b"{}") as port:
        check_api(Settings(), port)
    with pytest.raises(Unhealthy, match="does not answer"):
        check_api(Settings(), port)
