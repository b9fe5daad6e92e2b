"""One client whose questions take long keeps nobody else from asking or logging in."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import httpx
import psycopg
import pytest

from adapters.postgres import embedded
from tests.acceptance.client import WEIGHT
from tests.running.processes import PASSWORD, WITH_PASSWORD, Run, serving, soon
from tests.running.programme import client, enrol

CREDENTIALS = {"username": "admin", "password": PASSWORD}

IMPATIENT = {**WITH_PASSWORD, "GROWTHRINGS_READ_WAIT": "1"}
"""A connection is waited for no longer than that, and a lock for 2 s."""

WAITING = """
select count(*) from pg_locks l join pg_stat_activity a on a.pid = l.pid
where a.application_name = 'reader' and not l.granted
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    with serving(tmp_path_factory.mktemp("slow") / "data", IMPATIENT) as run:
        yield run


@contextmanager
def slow_measurements(session: psycopg.Connection[tuple[object, ...]]) -> Iterator[None]:
    """Whoever asks for measurements waits for as long as the block runs, up to a lock time-out."""
    with session.transaction():
        session.execute("lock table measurements_g1 in access exclusive mode")
        yield


def test_ten_slow_questions_of_one_client_keep_nobody_else_from_asking_or_logging_in(run: Run) -> None:
    url = embedded.url(run.data) or ""
    with (
        psycopg.connect(url, autocommit=True) as session,
        psycopg.connect(url, autocommit=True) as looking,
        client(run.url) as others,
        ThreadPoolExecutor(10) as threads,
    ):
        programme = enrol(others)
        admin, child = others.login("admin", PASSWORD), programme.child()
        questions: list[Callable[[], httpx.Response]] = [
            partial(admin.get, "/v1/institutions"),
            partial(admin.get, "/v1/outcomes"),
            partial(others.post, "/v1/auth", CREDENTIALS),
        ]
        for asked in [threads.submit(question) for question in questions * 8]:
            assert asked.result()  # by now there are connections
        with slow_measurements(session), client(run.url, programme.token) as slow:
            waiting = [threads.submit(slow.get, WEIGHT.path(child)) for _ in range(10)]
            assert soon(lambda: (looking.execute(WAITING).fetchone() or (0,))[0])
            assert [200] * 3 == [question().status_code for question in questions]
            assert {each.result().status_code for each in waiting} <= {200, 503}
