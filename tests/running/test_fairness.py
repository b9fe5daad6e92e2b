"""One client that sends as much as it can keeps nobody else from writing."""

import threading
from concurrent.futures import ThreadPoolExecutor

from tests.acceptance.client import WEIGHT
from tests.running.conftest import Alive
from tests.running.programme import client, readings

CONNECTIONS = 6
ARRAY = 10_000
WRITES = 8


def test_arrays_on_many_connections_keep_no_other_from_writing(alive: Alive) -> None:
    """All of them are about one child, and all but the first array are duplicates."""
    people = alive.programme.people
    loud, child_id = people.as_(people.application()), people.child().id
    array, ended, counted = readings(ARRAY), threading.Event(), threading.Barrier(CONNECTIONS + 1)

    def post_arrays() -> set[int]:
        statuses: set[int] = set()
        with client(alive.run.url, loud.token, timeout=120) as api:
            counted.wait(60)
            while not ended.is_set():
                statuses.add(api.post(WEIGHT.path(child_id), array).status_code)
        return statuses

    with ThreadPoolExecutor(CONNECTIONS) as pool, client(alive.run.url, alive.programme.token, timeout=120) as api:
        others = [alive.programme.child() for _ in range(3)]
        posting = [pool.submit(post_arrays) for _ in range(CONNECTIONS)]
        counted.wait(60)
        try:
            answers = [api.post(WEIGHT.path(others[n % 3]), reading) for n, reading in enumerate(readings(WRITES))]
        finally:
            ended.set()
        statuses = set[int]().union(*(each.result() for each in posting))
    assert [201] * WRITES == [answer.status_code for answer in answers]
    assert 207 in statuses <= {207, 503}
