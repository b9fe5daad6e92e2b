"""Measurements over HTTP: four endpoints for each kind."""

from datetime import UTC, datetime

from litestar import Response, delete, get, post
from litestar.enums import MediaType
from litestar.handlers import HTTPRouteHandler

from adapters.http.api.fast_path import PostMeasurements
from adapters.http.api.lists import listed
from adapters.http.edge.access import Access
from adapters.http.edge.command_results import accepted_id
from adapters.http.edge.requests import HttpRequest, json_response, path_id, request_id
from adapters.http.schemas import filters, readings
from adapters.http.schemas.readings import Item
from adapters.postgres.readers.measurements import MeasurementsReader
from application.commands.remove_measurement import RemoveMeasurement
from application.queries.measurements import Condition, MeasurementRow, Operator, ReadMeasurements
from application.writer import Writer
from domain.measurement import KINDS, Kind, Reading
from domain.refusal import NotFound


def routes(
    access: Access, writer: Writer, reader: MeasurementsReader, post_measurements: PostMeasurements
) -> list[HTTPRouteHandler]:
    """The routes of all kinds."""
    return [route for kind in KINDS.values() for route in _routes_of(kind, access, writer, reader, post_measurements)]


def _routes_of(
    kind: Kind, access: Access, writer: Writer, reader: MeasurementsReader, post_measurements: PostMeasurements
) -> list[HTTPRouteHandler]:
    collection = f"/v1/children/{{child_id:str}}/{kind.path}"
    id_name = f"{kind.path.rstrip('s')}_id"
    one = f"{collection}/{{{id_name}:str}}"

    @post(collection, status_code=201)
    async def record(request: HttpRequest) -> Response[bytes]:
        response = await post_measurements.record(
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
        return Response(response.content, status_code=response.status, media_type=MediaType.JSON)

    @get(collection)
    async def list_all(request: HttpRequest) -> Response[bytes]:
        actor, parameters = await access.authorize_query(request, ReadMeasurements.name, filters.LIST)
        child_id = path_id(request, "child_id")
        everything = ReadMeasurements(actor=actor, child_id=child_id, kind=kind.name)
        page = await reader.measurements(filters.narrowed(everything, parameters, now=datetime.now(UTC)))
        return listed(request, page, lambda row: _item(row, child_id, kind))

    @get(one)
    async def get_one(request: HttpRequest) -> Response[bytes]:
        actor, child_id = await access.authorize(request, ReadMeasurements.name), path_id(request, "child_id")
        with_id = Condition("id", Operator.EQ, path_id(request, id_name))
        query = ReadMeasurements(actor=actor, child_id=child_id, kind=kind.name, conditions=((with_id,),))
        page = await reader.measurements(query)
        if not page.rows:
            raise NotFound(kind.title)
        return json_response(_item(page.rows[0], child_id, kind), 200)

    @delete(one)
    async def remove(request: HttpRequest) -> None:
        actor = await access.authorize(request, RemoveMeasurement.name)
        command = RemoveMeasurement(
            actor=actor,
            request_id=request_id(request),
            child_id=path_id(request, "child_id"),
            kind=kind.name,
            measurement_id=path_id(request, id_name),
        )
        accepted_id(await writer.submit(command))

    return [record, list_all, get_one, remove]


def _item(row: MeasurementRow, child_id: str, kind: Kind) -> Item:
    return readings.item(Reading(child_id, kind.name, row.taken_at, row.value, row.unit, row.companion_value), row.id)
