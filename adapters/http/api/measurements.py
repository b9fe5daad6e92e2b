"""Measurements over HTTP: four endpoints for each kind."""

from datetime import UTC, datetime

from litestar import Response, delete, get, post
from litestar.enums import MediaType
from litestar.handlers import HTTPRouteHandler

from adapters.http.api.fast_path import Intake
from adapters.http.api.lists import listed
from adapters.http.edge.access import Entrance
from adapters.http.edge.error_responses import only
from adapters.http.edge.requests import HttpRequest, json_response, path_id, request_id
from adapters.http.schemas import filters, readings
from adapters.http.schemas.readings import Item
from adapters.postgres.readers.measurements import MeasurementsReader
from application.commands.remove_measurement import RemoveMeasurement
from application.queries.measurements import Condition, MeasurementRow, Operator, ReadMeasurements
from application.writer import Writer
from domain.measurement import KINDS, Kind, Reading
from domain.refusal import NotFound


def routes(entrance: Entrance, writer: Writer, reader: MeasurementsReader, intake: Intake) -> list[HTTPRouteHandler]:
    """The handlers of all kinds."""
    return [route for kind in KINDS.values() for route in _routes_of(kind, entrance, writer, reader, intake)]


def _routes_of(
    kind: Kind, entrance: Entrance, writer: Writer, reader: MeasurementsReader, intake: Intake
) -> list[HTTPRouteHandler]:
    collection = f"/v1/children/{{child_id:str}}/{kind.path}"
    id_name = f"{kind.path.rstrip('s')}_id"
    one = f"{collection}/{{{id_name}:str}}"

    @post(collection, status_code=201)
    async def record(request: HttpRequest) -> Response[bytes]:
        told = await intake.record(
            kind,
            request.path_params["child_id"],
            scope=request.scope,
            authorization=request.headers.get("authorization", ""),
            content_type=request.headers.get("content-type", ""),
            content_encoding=request.headers.get("content-encoding", ""),
            content_length=request.headers.get("content-length", ""),
            receive=request.receive,
            request_id=request_id(request),
        )
        return Response(told.content, status_code=told.status, media_type=MediaType.JSON)

    @get(collection)
    async def list_all(request: HttpRequest) -> Response[bytes]:
        actor, asked = await entrance.ask(request, ReadMeasurements.name, filters.LIST)
        child_id = path_id(request, "child_id")
        everything = ReadMeasurements(actor=actor, child_id=child_id, kind=kind.name)
        page = await reader.measurements(filters.narrowed(everything, asked, now=datetime.now(UTC)))
        return listed(request, page, lambda row: _item(row, child_id, kind))

    @get(one)
    async def get_one(request: HttpRequest) -> Response[bytes]:
        actor, child_id = await entrance.admit(request, ReadMeasurements.name), path_id(request, "child_id")
        with_id = Condition("id", Operator.EQ, path_id(request, id_name))
        query = ReadMeasurements(actor=actor, child_id=child_id, kind=kind.name, conditions=((with_id,),))
        page = await reader.measurements(query)
        if not page.rows:
            raise NotFound(kind.title)
        return json_response(_item(page.rows[0], child_id, kind), 200)

    @delete(one)
    async def remove(request: HttpRequest) -> None:
        actor = await entrance.admit(request, RemoveMeasurement.name)
        command = RemoveMeasurement(
            actor=actor,
            request_id=request_id(request),
            child_id=path_id(request, "child_id"),
            kind=kind.name,
            measurement_id=path_id(request, id_name),
        )
        only(await writer.submit(command))

    return [record, list_all, get_one, remove]


def _item(row: MeasurementRow, child_id: str, kind: Kind) -> Item:
    return readings.item(Reading(child_id, kind.name, row.taken_at, row.value, row.unit, row.companion_value), row.id)
