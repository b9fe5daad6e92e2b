"""A projector in a thread of the test's own process."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from psycopg import Connection

from projections.projector import Projector
from projections.views import VIEWS, Views


@contextmanager
def projecting(connect: Callable[[str], Connection[Any]], views: Views = VIEWS) -> Iterator[Projector]:
    """Views are kept for as long as the block runs."""
    projector = Projector(connect, views=views, poll=0.01)
    thread = threading.Thread(target=projector.run)
    thread.start()
    try:
        yield projector
    finally:
        projector.stop()
        thread.join()
