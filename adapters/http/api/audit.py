"""The audit over HTTP: the audit trail, the facts of one aggregate, and its state as known at a time."""

import asyncio
import base64
import binascii
from collections.abc import AsyncIterable, AsyncIterator
from datetime import datetime
from typing import Any

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from msgspec import Raw

from adapters import times
from adapters.http.api import lists
from adapters.http.edge.access import Access
from adapters.http.edge.command_results import accepted_id
from adapters.http.edge.requests import HttpRequest, json_response, path_id, request_id
from adapters.http.schemas import paging, query_parameters
from adapters.http.schemas.json_schema import pattern
from adapters.http.schemas.query_parameters import LIMIT, Declared, Parameter
from adapters.postgres.readers import audit
from adapters.postgres.readers.audit import AuditReader
from adapters.postgres.readers.lists import BYTES
from adapters.refusal_messages import encode
from application.commands.note_audit_read import NoteAuditRead
from application.queries import audit as queries
from application.queries.audit import AuditRow, Fact, ListAuditEvents, ReadState, ReadStream
from application.queries.query import Position
from application.writer import Writer
from domain.catalogue import versions_of
from domain.partition import position
from projections.views.view import PositionedEvent

PATH = "/v1/audit"
STREAM = f"{PATH}/streams/{{id:str}}"

CURSOR = 65_536
"""Maximum characters of a cursor, which holds a position in every partition."""

_decode_places = msgspec.json.Decoder(dict[int, int]).decode


def routes(access: Access, writer: Writer, reader: AuditReader) -> list[HTTPRouteHandler]:
    async def note(request: HttpRequest, command: NoteAuditRead) -> None:
        """Record that somebody reads, before the response shows anything."""
        accepted_id(await writer.submit(command))

    @get(f"{PATH}/events")
    async def events(request: HttpRequest) -> Response[bytes]:
        actor, parameters = await access.authorize_query(request, ListAuditEvents.name, EVENTS)
        name, places = parameters[EVENT], parameters[AFTER]
        query = ListAuditEvents(
            actor=actor,
            actor_id=parameters[ACTOR],
            subject=parameters[ABOUT],
            stream=parameters[OF_STREAM],
            events=None if name is None else versions_of(name),
            request_id=parameters[REQUEST_ID],
            start=parameters[SINCE],
            end=parameters[UNTIL],
            places=places,
            limit=parameters[LIMIT],
        )
        rows, is_cut = await reader.events(query)
        after = cursor_of({**places, **{row.part: row.seq for row in rows}})
        headers = lists.link(request, after if is_cut else None)
        return json_response({"events": [_event(row) for row in rows], "next": after}, 200, headers)

    @get(STREAM)
    async def stream(request: HttpRequest) -> Response[bytes]:
        actor, parameters = await access.authorize_query(request, ReadStream.name, FACTS)
        given = paging.after(parameters, int)
        found = await reader.stream(path_id(request, "id"))
        await note(request, NoteAuditRead(actor=actor, request_id=request_id(request), stream=found))
        rendered, rest = await _render_facts(reader.facts(found), after=0 if given is None else given.key[0])
        answer = {"id": path_id(request, "id"), "stream": found, "facts": rendered}
        return json_response(answer, 200, lists.rest_link(request, rest))

    @get(f"{STREAM}/state")
    async def state(request: HttpRequest) -> Response[bytes]:
        actor, parameters = await access.authorize_query(request, ReadState.name, STATE)
        as_of, known_at = parameters[AS_OF], parameters[KNOWN_AT]
        found = await reader.stream(path_id(request, "id"))
        known_at = await reader.known(found, known_at)
        command = NoteAuditRead(
            actor=actor, request_id=request_id(request), stream=found, as_of=as_of, known_at=known_at
        )
        await note(request, command)
        version, last = 0, None
        async for fact, state_then in audit.states(_until(reader.facts(found), as_of, known_at)):
            last = state_then
            version = fact.event.originator_version if fact.event.originator_id == found else version
        answer = {
            "id": path_id(request, "id"),
            "stream": found,
            "as_of": None if as_of is None else precisely(as_of),
            "known_at": precisely(known_at),
            "version": version,
            "state": audit.without_secrets(last),
        }
        return json_response(answer, 200)

    return [events, stream, state]


async def _until(
    facts: AsyncIterable[PositionedEvent], as_of: datetime | None, known_at: datetime
) -> AsyncIterator[PositionedEvent]:
    """Facts that had happened by `as_of` and were recorded by `known_at`."""
    async for fact in facts:
        event = fact.event
        if event.origin.recorded_at <= known_at and (as_of is None or event.happened_at <= as_of):
            yield fact


async def _render_facts(facts: AsyncIterable[PositionedEvent], *, after: int) -> tuple[list[Raw], Position | None]:
    """Facts after a seq, each with the state after it; and the position at which they were cut, if they were."""
    rendered: list[Raw] = []
    size = last = 0
    async for fact, state in audit.states(facts):
        if fact.seq <= after:
            continue
        if size >= BYTES:
            return rendered, Position((last,), 0)
        rendered.append(await asyncio.to_thread(_render_fact, fact, state))
        size, last = size + len(rendered[-1]), fact.seq
    return rendered, None


def _render_fact(fact: PositionedEvent, state: Any) -> Raw:
    return Raw(encode(_fact(audit.fact_with_state(fact, state))))


def precisely(time: datetime) -> str:
    """The time with microseconds, as events have them, so that a request repeated with it has the same response."""
    return f"{time.isoformat(timespec='microseconds')[:-6]}Z"


def cursor_of(places: dict[int, int]) -> str:
    """The cursor for a position in every partition."""
    return base64.urlsafe_b64encode(msgspec.json.encode(places)).decode().rstrip("=")


def places_of(cursor: str) -> dict[int, int] | None:
    """The positions of a cursor. None if the service did not make it."""
    try:
        places = _decode_places(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, msgspec.DecodeError, ValueError):
        return None
    ours = all(part >= 0 and 0 <= seq < 2**63 for part, seq in places.items())
    return places if ours else None


ACTOR = query_parameters.text("actor", "The id of the user who acted.")
ABOUT = query_parameters.text(
    "subject",
    "The id of a child, outcome or other subject of the event. An event of a group is also about its owner and the "
    "children in it before and after the event, an event of a family also about its children.",
)
OF_STREAM = query_parameters.text("stream", "The id that the API shows, or the id of the stream.")
EVENT = query_parameters.text(
    "event", "The name of the event. Without its version it matches every version.", example="measurement.recorded.v1"
)
REQUEST_ID = query_parameters.text("request_id", "The `X-Request-Id` of the request that caused the event.")
SINCE = query_parameters.instant(
    "from", "The earliest time of recording, inclusive.", read=times.parse_exact_time_or_date
)
UNTIL = query_parameters.instant("to", "The latest time of recording, exclusive.", read=times.parse_exact_time_or_date)
AFTER: Parameter[dict[int, int]] = Parameter(
    name="after",
    read=places_of,
    expected=queries.CURSOR,
    schema=pattern("[A-Za-z0-9_-]+"),
    description="The `next` of the page before.",
    default={},
    most=CURSOR,
)
AS_OF = query_parameters.instant(
    "as_of", "Only facts that had happened by this time; now by default.", read=times.parse_exact_time_or_date
)
KNOWN_AT = query_parameters.instant(
    "known_at",
    "Only facts that were recorded by this time; now by default. It cannot be in the future.",
    read=times.parse_exact_time_or_date,
    expected=queries.KNOWN_AT,
)

FACTS: Declared = (paging.AFTER,)
EVENTS: Declared = (ACTOR, ABOUT, OF_STREAM, EVENT, REQUEST_ID, SINCE, UNTIL, AFTER, LIMIT)
STATE: Declared = (AS_OF, KNOWN_AT)


def _event(row: AuditRow) -> dict[str, Any]:
    return {
        "position": row.position,
        "id": row.name,
        "stream": row.stream,
        "version": row.version,
        "event": row.event,
        "happened_at": precisely(row.happened_at),
        "recorded_at": precisely(row.recorded_at),
        "actor": row.actor_id,
        "role": row.actor_role,
        "request_id": row.request_id,
        "cause": row.cause,
        "subject": row.subject_id,
        "outcome": row.outcome_id,
    }


def _fact(fact: Fact) -> dict[str, Any]:
    event = fact.event
    return {
        "position": position(fact.part, fact.seq),
        "stream": event.originator_id,
        "version": event.originator_version,
        "event": event.stored_name,
        "happened_at": precisely(event.happened_at),
        "recorded_at": precisely(event.origin.recorded_at),
        "actor": event.origin.actor_id,
        "role": event.origin.actor_role,
        "request_id": event.origin.request_id,
        "cause": event.cause,
        "data": fact.data,
        "state": fact.state,
    }
