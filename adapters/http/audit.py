"""The audit over HTTP: who did what, the facts of one aggregate, and its state as it was known at a time."""

import base64
import binascii
from datetime import datetime
from typing import Any

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from adapters.http import parameters
from adapters.http.entrance import Entrance
from adapters.http.errors import only
from adapters.http.openapi.schemas import pattern
from adapters.http.parameters import LIMIT, Declared, Parameter
from adapters.http.requests import HttpRequest, json_response, path_id, request_id
from adapters.postgres import audit_reader
from adapters.postgres.audit_reader import AuditReader
from application.commands.note_audit_read import NoteAuditRead
from application.queries import audit as queries
from application.queries.audit import AuditRow, Fact, ListAuditEvents, ReadState, ReadStream
from application.writer import Writer
from domain import history
from domain.catalogue import versions_of

PATH = "/v1/audit"
STREAM = f"{PATH}/streams/{{id:str}}"

CURSOR = 65_536
"""Characters of a cursor, at most: it has a place in each partition."""

_decode_places = msgspec.json.Decoder(dict[int, int]).decode


def routes(entrance: Entrance, writer: Writer, reader: AuditReader) -> list[HTTPRouteHandler]:
    async def note(request: HttpRequest, command: NoteAuditRead) -> None:
        """Nothing is shown whose reading is not on record."""
        only(await writer.submit(command))

    @get(f"{PATH}/events")
    async def events(request: HttpRequest) -> Response[bytes]:
        actor, asked = await entrance.ask(request, ListAuditEvents.name, EVENTS)
        name, places = asked[EVENT], asked[AFTER]
        query = ListAuditEvents(
            actor=actor,
            actor_id=asked[ACTOR],
            subject=asked[ABOUT],
            stream=asked[OF_STREAM],
            events=None if name is None else versions_of(name),
            request_id=asked[REQUEST_ID],
            start=asked[SINCE],
            end=asked[UNTIL],
            places=places,
            limit=asked[LIMIT],
        )
        rows = await reader.events(query)
        after = cursor_of({**places, **{row.part: row.seq for row in rows}})
        return json_response({"events": [_event(row) for row in rows], "next": after}, 200)

    @get(STREAM)
    async def stream(request: HttpRequest) -> Response[bytes]:
        actor = await entrance.admit(request, ReadStream.name)
        found = await reader.stream(path_id(request, "id"))
        await note(request, NoteAuditRead(actor=actor, request_id=request_id(request), stream=found))
        facts = audit_reader.told(await reader.facts(found))
        return json_response({"id": path_id(request, "id"), "stream": found, "facts": list(map(_fact, facts))}, 200)

    @get(f"{STREAM}/state")
    async def state(request: HttpRequest) -> Response[bytes]:
        actor, asked = await entrance.ask(request, ReadState.name, STATE)
        as_of, known_at = asked[AS_OF], asked[KNOWN_AT]
        found = await reader.stream(path_id(request, "id"))
        known_at, known = await reader.known(found, known_at)
        command = NoteAuditRead(
            actor=actor, request_id=request_id(request), stream=found, as_of=as_of, known_at=known_at
        )
        await note(request, command)
        facts = [each.event for each in known if as_of is None or each.event.happened_at <= as_of]
        last = list(history.states(facts))[-1:]
        answer = {
            "id": path_id(request, "id"),
            "stream": found,
            "as_of": None if as_of is None else precisely(as_of),
            "known_at": precisely(known_at),
            "version": facts[-1].originator_version if facts else 0,
            "state": audit_reader.shown(last[0]) if last else None,
        }
        return json_response(answer, 200)

    return [events, stream, state]


def precisely(time: datetime) -> str:
    """With microseconds, as times of recording are: a question that is asked again with it has the same answer."""
    return f"{time.isoformat(timespec='microseconds')[:-6]}Z"


def cursor_of(places: dict[int, int]) -> str:
    """A place in each partition, as clients hand it back."""
    return base64.urlsafe_b64encode(msgspec.json.encode(places)).decode().rstrip("=")


def places_of(cursor: str) -> dict[int, int] | None:
    """None where it is none of ours."""
    try:
        places = _decode_places(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, msgspec.DecodeError, ValueError):
        return None
    ours = all(part >= 0 and 0 <= seq < 2**63 for part, seq in places.items())
    return places if ours else None


ACTOR = parameters.text("actor", "Id of the user who did it.")
ABOUT = parameters.text("subject", "A child, an outcome, or whatever else an event is about.")
OF_STREAM = parameters.text("stream", "An id that the API shows, or a stream's own.")
EVENT = parameters.text(
    "event", "Its name; without the version at its end, of every version.", example="measurement.recorded.v1"
)
REQUEST_ID = parameters.text("request_id", "As `X-Request-Id` said.")
SINCE = parameters.instant("from", "Recorded then or later.", read=parameters.exact_time)
UNTIL = parameters.instant("to", "Recorded before.", read=parameters.exact_time)
AFTER: Parameter[dict[int, int]] = Parameter(
    name="after",
    read=places_of,
    expected=queries.CURSOR,
    schema=pattern("[A-Za-z0-9_-]+"),
    description="The `next` of an earlier page.",
    default={},
    most=CURSOR,
)
AS_OF = parameters.instant("as_of", "By when things happened; now, when left out.", read=parameters.exact_time)
KNOWN_AT = parameters.instant(
    "known_at",
    "By when they were recorded; now, when left out. Not in the future.",
    read=parameters.exact_time,
    expected=queries.KNOWN_AT,
)

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
        "position": f"{fact.part}-{fact.seq}",
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
