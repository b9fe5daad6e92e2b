"""Lists, retries and skips parked streams."""

from typing import Any

from msgspec import Struct
from psycopg import Connection

from domain.partition import KEY_LENGTH, partition
from projections import log, statements
from projections.projector import pages
from projections.projector.pages import ParkedEvent, Stored
from projections.views.generations import Generation
from projections.views.view import View, tables_of

SQL = statements.load(__file__, "parking")


class ParkedStream(Struct, frozen=True):
    """A stream that a generation leaves out from one event on; `following` counts the events after that one."""

    view: str
    generation: int
    part: int
    seq: int
    stream: str
    topic: str
    error: str
    following: int


def parked(connection: Connection[Any], view: str | None = None) -> list[ParkedStream]:
    """The parked streams of a view, or of all views."""
    return [ParkedStream(*row) for row in connection.execute(SQL["parked_streams"], {"view": view}).fetchall()]


def retry(connection: Connection[Any], view: View, generation: Generation, stream: str, *, skip: bool = False) -> bool:
    """Apply a parked stream again from its bad event on; with `skip`, from the event after that one.

    Returns whether the stream is no longer parked (True as well if it was not). All streams of its partition key are
    applied again from there on, because a row may derive from several of them.
    """
    with connection.transaction(), connection.cursor() as cursor:
        part = partition(stream, log.partition_count(cursor))
        of_stream = generation.key | {"part": part, "stream": stream}
        cursor.execute(SQL["lock_lease"], of_stream)
        (checkpoint,) = pages.checkpoints(cursor, generation, [part]).values()
        ((first,),) = cursor.execute(SQL["unpark"], of_stream).fetchall()
        if first is None:
            return True
        asked = of_stream | {
            "key": stream[:KEY_LENGTH],
            "after": first if skip else first - 1,
            "checkpoint": checkpoint,
            "topics": list(view.topics),
            "bytes": pages.BYTES,
        }
        left: list[ParkedEvent] = []
        parked: set[str] = set()
        while page := [Stored(*row) for row in cursor.execute(SQL["events_after"], asked)]:
            tables = tables_of(view, generation.generation)
            left += pages.write_bisecting(cursor, view.write, tables, page, parked)
            asked["after"] = page[-1].seq
        pages.park(cursor, generation, left)
        return all(each.stored.stream != stream for each in left)
