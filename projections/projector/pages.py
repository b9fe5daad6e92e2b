"""Applies pages of the event log to a generation. An event that the view cannot apply parks its stream."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import psycopg
from psycopg import Cursor

from application.outage import Outage
from domain.catalogue import decode
from domain.partition import position
from projections import statements
from projections.bisection import failures
from projections.views.generations import Generation
from projections.views.view import Page, PositionedEvent, Tables, View

SQL = statements.load(__file__, "pages")

INVALID_VALUES = (
    psycopg.DataError,
    psycopg.IntegrityError,
    psycopg.errors.ProgramLimitExceeded,
    psycopg.errors.StatementTooComplex,
    UnicodeEncodeError,
)
"""Errors of PostgreSQL or the driver about values that cannot be stored."""

BYTES = 8 * 1024 * 1024
"""Bytes of event states in one page. A page ends with the event that reaches the limit, however large it is."""

Write = Callable[[Cursor[Any], Tables, Page], None]
"""`View.write` or `View.fill`."""


class Stored(NamedTuple):
    """An event as the log stores it, at its position."""

    part: int
    seq: int
    stream: str
    topic: str
    state: bytes


_outages: dict[tuple[str, int], Outage] = {}
"""View and generation → the time in which it parks streams: a mistake in its code may concern all there are."""


class ParkedEvent(NamedTuple):
    """An event that a view leaves out. `error` is None if it only follows a bad event of its stream."""

    stored: Stored
    error: str | None = None


def is_event_error(error: Exception) -> bool:
    """Whether an event cannot be applied, rather than the database being unable to apply anything now."""
    return not isinstance(error, (psycopg.Error, MemoryError)) or isinstance(error, INVALID_VALUES)


def decode_page(page: Iterable[Stored]) -> Page:
    """Decode a page. Undecodable."""
    return [PositionedEvent(each.part, each.seq, decode(each.topic, each.state)) for each in page]


def without_parked(page: Iterable[Stored], parked: Collection[str], left: list[ParkedEvent]) -> list[Stored]:
    """The page without the events of parked streams, which are added to `left`."""
    kept = []
    for each in page:
        if each.stream in parked:
            left.append(ParkedEvent(each))
        else:
            kept.append(each)
    return kept


def parked_streams(cursor: Cursor[Any], generation: Generation, parts: Sequence[int]) -> set[str]:
    """The streams that a generation has parked in these partitions."""
    return {stream for (stream,) in cursor.execute(SQL["parked_streams"], {**generation.key, "parts": list(parts)})}


def write_bisecting(
    cursor: Cursor[Any], write: Write, tables: Tables, page: Sequence[Stored], parked: set[str]
) -> list[ParkedEvent]:
    """Write the events that can be written, in ever smaller parts of the page. Returns the others: each bad event
    parks its stream, which is added to `parked`, and the later events of the stream follow it."""
    parked_before = set(parked)
    errors: dict[tuple[int, int], str] = {}

    def attempt(events: Sequence[Stored]) -> None:
        if wanted := [each for each in events if each.stream not in parked]:
            with cursor.connection.transaction():
                write(cursor, tables, decode_page(wanted))

    for event, error in failures(page, attempt, is_event_error):
        parked.add(event.stream)
        errors[event.part, event.seq] = error_text(error)
    left = []
    for event in page:
        error_of_event = errors.get((event.part, event.seq))
        if error_of_event is not None:
            parked_before.add(event.stream)
        if event.stream in parked_before:
            left.append(ParkedEvent(event, error_of_event))
    return left


def error_text(error: Exception) -> str:
    """The class, SQLSTATE and message of an error, without the row in PostgreSQL's details. The message may quote a
    value: it is for operators, not for the log."""
    state, said = (error.sqlstate, error.diag.message_primary) if isinstance(error, psycopg.Error) else (None, None)
    name = f"{type(error).__name__} {state}" if state else type(error).__name__
    return f"{name}: {said or error}"[:500].replace("\0", "�")


def park(cursor: Cursor[Any], generation: Generation, left: Sequence[ParkedEvent]) -> None:
    """Write down what is left out, and say so where streams were parked: of each page the first of them."""
    if not left:
        return
    parked = [(each.stored, each.error) for each in left if each.error is not None]
    if parked:
        stored, error = parked[0]
        outage = _outages.setdefault((generation.view, generation.generation), Outage("a view parks streams"))
        at = position(stored.part, stored.seq)
        error_class = error.partition(":")[0]  # the message may quote a value, and stays in the database
        outage.failed(error_class, **generation.key, streams=len(parked), position=at, topic=stored.topic)
    parts, seqs, streams, topics = zip(*(each.stored[:4] for each in left), strict=True)
    rows = {"parts": parts, "seqs": seqs, "streams": streams, "topics": topics, "errors": [each.error for each in left]}
    columns = {name: list(column) for name, column in rows.items()}
    cursor.execute(SQL["park"], {**generation.key, **columns}, prepare=True)


def save_checkpoints(cursor: Cursor[Any], generation: Generation, reached: Mapping[int, int]) -> None:
    """`reached`: partition → seq of the last event that was applied or parked."""
    parameters = {**generation.key, "parts": list(reached), "seqs": list(reached.values())}
    cursor.execute(SQL["save_checkpoints"], parameters)


def checkpoints(cursor: Cursor[Any], generation: Generation, parts: Sequence[int]) -> dict[int, int]:
    """The checkpoint of a generation in each of these partitions."""
    return dict(cursor.execute(SQL["checkpoints"], {**generation.key, "parts": list(parts)}).fetchall())


def apply(
    cursor: Cursor[Any],
    view: View,
    tables: Tables,
    page: Sequence[Stored],
    write: Write,
    *,
    parked: set[str],
    bisect: bool,
) -> list[ParkedEvent]:
    """Apply the events of a page that the view wants. Returns the events of parked streams.

    An event that the view cannot apply raises its error. With `bisect`, it parks its stream instead, at the price of
    many statements.
    """
    left: list[ParkedEvent] = []
    concern = [each for each in page if each.topic in view.topics]
    if parked:
        concern = without_parked(concern, parked, left)
    if bisect:
        left += write_bisecting(cursor, write, tables, concern, set(parked))
    elif concern:
        write(cursor, tables, decode_page(concern))
    return left
