"""A health check reports only the processes of its own machine, and what is wrong with them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import psycopg
import pytest

from adapters.postgres.connections import connector
from adapters.processes.health_check import Unhealthy, check_api, check_projector
from adapters.settings import Settings
from projections.projector.sessions import session_name
from projections.views.registry import VIEWS
from tests.projecting import at_work

EVERY = sorted(VIEWS.latest)


@pytest.fixture
def keep(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Lets a projector of a host be there for views, or, with `is_gone`, one that has left without a word."""

    def keep(*views: str, host: str = "here", is_gone: bool = False) -> None:
        monkeypatch.setattr("socket.gethostname", lambda: host)
        owner = session_name("projector")
        with psycopg.connect(database) as connection:
            for view in views:
                statement = "insert into workers (view, generation, owner, rate) values (%s, 1, %s, 0)"
                connection.execute(statement, [view, owner])
        if not is_gone:
            sessions.enter_context(at_work(connector(database), owner))
        monkeypatch.setattr("socket.gethostname", lambda: "here")

    with ExitStack() as sessions:
        yield keep


def test_projectors_of_this_host_that_keep_every_live_view_are_healthy(
    database: str, keep: Callable[..., None]
) -> None:
    keep(*EVERY)
    keep(*EVERY, host="here-too")
    check_projector(database)


@pytest.mark.parametrize(
    ("kept", "host", "is_gone"),
    [
        ([], "here", False),
        (EVERY[1:], "here", False),
        (EVERY, "elsewhere", False),
        (EVERY, "here-too", False),
        (EVERY, "her", False),
        (EVERY, "here", True),
    ],
)
def test_views_that_no_projector_of_this_host_keeps_now_are_named(
    database: str, keep: Callable[..., None], kept: list[str], host: str, is_gone: bool
) -> None:
    keep(*EVERY[1:])
    keep(*kept, host=host, is_gone=is_gone)
    with pytest.raises(Unhealthy, match=rf"keeps {EVERY[0]}$"):
        check_projector(database)


@pytest.mark.parametrize("url", [None, "host=/nowhere", "postgresql://someone:s3cret@[nowhere"])
def test_the_health_check_reports_an_unreachable_database_without_its_address(url: str | None) -> None:
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


def test_the_health_check_reports_why_an_api_is_not_ready() -> None:
    with answering(503, b'{"log": "unreachable"}') as port, pytest.raises(Unhealthy, match=r'503: .*"unreachable"'):
        check_api(Settings(), port)


def test_an_api_that_nobody_hears_of_is_unhealthy() -> None:
    with answering(200, b"{}") as port:
        check_api(Settings(), port)
    with pytest.raises(Unhealthy, match="does not answer"):
        check_api(Settings(), port)
