"""A projector in a thread of the test process."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from psycopg import Connection
from psycopg.errors import QueryCanceled

from projections.projector.projector import Projector
from projections.views.registry import VIEWS, Views


@contextmanager
def projecting(connect: Callable[[str], Connection[Any]], views: Views = VIEWS) -> Iterator[Projector]:
    """Run a projector until the block ends."""
    projector = Projector(connect, views=views, poll=0.01)
    thread = threading.Thread(target=projector.run)
    thread.start()
    try:
        yield projector
    finally:
        projector.stop()
        thread.join()


@contextmanager
def at_work(connect: Callable[[str], Connection[Any]], name: str) -> Iterator[None]:
    """A session of that name runs a function until the block ends."""

    def work() -> None:
        with suppress(QueryCanceled):
            connection.execute("select pg_sleep(3600)")

    with connect(name) as connection:
        working = threading.Thread(target=work)
        working.start()
        try:
            yield
        finally:
            connection.cancel_safe()
            working.join()
            connection.rollback()
