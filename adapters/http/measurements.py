"""Measurements over HTTP: four endpoints for each kind."""

from collections.abc import Sequence
from datetime import UTC, datetime

from litestar import Response, delete, get, post
from litestar.handlers import HTTPRouteHandler
from msgspec import UNSET, Raw, Struct, UnsetType

from adapters.auth.tokens import Tokens
from adapters.http import body, filters, readings
from adapters.http.envelope import envelope
from adapters.http.readings import Item
from adapters.http.requests import HttpRequest, json_response, only, outcomes, path_id, request_id
from adapters.postgres.reader import Reader
from application import permissions
from application.command import Actor, Outcome
from application.commands.record_measurements import RecordMeasurements
from application.commands.remove_measurement import RemoveMeasurement
from application.queries.measurements import Condition, ListMeasurements, MeasurementRow, Operator
from application.writer import Writer
from domain.measurement import KINDS, Kind, Reading
from domain.refusal import AlreadyRegistered, NotFound, Refusal


class Accepted(Struct, frozen=True):
    code: int
    item: Item


class Refused(Struct, frozen=True):
    code: int
    message: str
    item: Item | Raw
    description: str | UnsetType = UNSET


class MultiStatus(Struct, frozen=True):
    success: list[Accepted]
    error: list[Refused]


def routes(tokens: Tokens, writer: Writer, reader: Reader, *, batch_limit: int) -> list[HTTPRouteHandler]:
    """The handlers of all kinds."""
    return [
        route for kind in KINDS.values() for route in _routes_of(kind, tokens, writer, reader, batch_limit=batch_limit)
    ]


def _routes_of(
    kind: Kind, tokens: Tokens, writer: Writer, reader: Reader, *, batch_limit: int
) -> list[HTTPRouteHandler]:
    collection = f"/v1/children/{{child_id:str}}/{kind.path}"
    id_name = f"{kind.path.rstrip('s')}_id"
    one = f"{collection}/{{{id_name}:str}}"

    def admitted(request: HttpRequest, action: str) -> tuple[Actor, str]:
        actor = tokens.actor(request.headers.get("authorization"))
        permissions.check_role(action, actor)
        return actor, path_id(request, "child_id")

    @post(collection, status_code=201)
    async def record(request: HttpRequest) -> Response[bytes]:
        actor, child_id = admitted(request, RecordMeasurements.name)
        sent = await body.read(request)
        is_batch = body.opens_with(sent, b"[")
        elements = body.elements(sent) if is_batch else []
        if len(elements) > batch_limit:
            raise body.BatchTooLarge(batch_limit)
        members = map(body.members_of, elements) if is_batch else [body.members(sent)]
        read = [readings.read(each, kind, child_id) for each in members]
        id = request_id(request)
        answer = await writer.submit(RecordMeasurements(actor=actor, request_id=id, child_id=child_id, readings=read))
        if is_batch:
            return json_response(_multi_status(elements, read, outcomes(answer), id), 207)
        return json_response(_item_of(read[0], only(answer)), 201)

    @get(collection)
    async def list_all(request: HttpRequest) -> Response[bytes]:
        actor, child_id = admitted(request, "read_measurements")
        everything = ListMeasurements(actor=actor, child_id=child_id, kind=kind.name)
        try:
            query = filters.read(request.query_params.multi_items(), everything, now=datetime.now(UTC))
        except Refusal:
            await reader.measurements(everything)  # who may not ask at all is told that first
            raise
        page = await reader.measurements(query)
        items = [_item(row, child_id, kind) for row in page.rows]
        return json_response(items, 200, {"X-Total-Count": str(page.total)})

    @get(one)
    async def get_one(request: HttpRequest) -> Response[bytes]:
        actor, child_id = admitted(request, "read_measurements")
        with_id = Condition("id", Operator.EQ, path_id(request, id_name))
        query = ListMeasurements(actor=actor, child_id=child_id, kind=kind.name, conditions=((with_id,),))
        page = await reader.measurements(query)
        if not page.rows:
            raise NotFound(kind.title)
        return json_response(_item(page.rows[0], child_id, kind), 200)

    @delete(one)
    async def remove(request: HttpRequest) -> None:
        actor, child_id = admitted(request, RemoveMeasurement.name)
        command = RemoveMeasurement(
            actor=actor,
            request_id=request_id(request),
            child_id=child_id,
            kind=kind.name,
            measurement_id=path_id(request, id_name),
        )
        only(await writer.submit(command))

    return [record, list_all, get_one, remove]


def _item(row: MeasurementRow, child_id: str, kind: Kind) -> Item:
    return readings.item(Reading(child_id, kind.name, row.taken_at, row.value, row.unit, row.companion_value), row.id)


def _item_of(read: Reading | Refusal, id: str | UnsetType = UNSET) -> Item:
    """Only what was read can be recorded, or be there already."""
    if isinstance(read, Refusal):
        raise read
    return readings.item(read, id)


def _multi_status(
    elements: Sequence[Raw], read: Sequence[Reading | Refusal], answered: Sequence[Outcome], request_id: str
) -> MultiStatus:
    """Every element once, among the successes or among the errors, each in the order sent."""
    answer = MultiStatus([], [])
    for element, reading, outcome in zip(elements, read, answered, strict=True):
        if isinstance(outcome, str):
            answer.success.append(Accepted(201, _item_of(reading, outcome)))
        else:
            told = envelope(outcome, request_id)
            item = _item_of(reading) if isinstance(outcome, AlreadyRegistered) else element
            answer.error.append(Refused(told.code, told.message, item, told.description))
    return answer
