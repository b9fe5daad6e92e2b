"""Institutions over HTTP."""

from typing import Any

from litestar import Response, delete, get, post
from litestar.handlers import HTTPRouteHandler

from adapters.http.api import lists
from adapters.http.edge.access import Access
from adapters.http.edge.command_results import accepted_id
from adapters.http.edge.requests import HttpRequest, json_response, path_id, present, request_id
from adapters.http.schemas import paging
from adapters.http.schemas.paging import PAGED
from adapters.postgres.readers.accounts import AccountsReader
from application.commands.register_institution import NewInstitution, RegisterInstitution
from application.commands.remove_institution import RemoveInstitution
from application.queries.institutions import Institution, ListInstitutions, ReadInstitution
from application.writer import Writer

PATH = "/v1/institutions"
ONE = f"{PATH}/{{institution_id:str}}"


def routes(access: Access, writer: Writer, reader: AccountsReader) -> list[HTTPRouteHandler]:
    @post(PATH, status_code=201)
    async def register(request: HttpRequest) -> Response[bytes]:
        actor = await access.authorize(request, RegisterInstitution.name)
        sent = await access.read_members(request, ("type", "name"))
        new = NewInstitution(
            type=sent.text("type"),
            name=sent.text("name"),
            address=sent.optional_text("address"),
            latitude=sent.optional_number("latitude"),
            longitude=sent.optional_number("longitude"),
        )
        command = RegisterInstitution(actor=actor, request_id=request_id(request), institution=new)
        id = accepted_id(await writer.submit(command))
        institution = Institution(id, new.type, new.name, new.address, new.latitude, new.longitude)
        return json_response(_render(institution), 201)

    @get(PATH)
    async def list_all(request: HttpRequest) -> Response[bytes]:
        actor, parameters = await access.authorize_query(request, ListInstitutions.name, PAGED)
        page = await reader.institutions(ListInstitutions(actor=actor, paging=paging.paging(parameters, str)))
        return lists.listed(request, page, _render)

    @get(ONE)
    async def get_one(request: HttpRequest) -> Response[bytes]:
        actor = await access.authorize(request, ReadInstitution.name)
        query = ReadInstitution(actor=actor, institution_id=path_id(request, "institution_id"))
        return json_response(_render(await reader.institution(query)), 200)

    @delete(ONE)
    async def remove(request: HttpRequest) -> None:
        actor = await access.authorize(request, RemoveInstitution.name)
        institution_id = path_id(request, "institution_id")
        command = RemoveInstitution(actor=actor, request_id=request_id(request), institution_id=institution_id)
        accepted_id(await writer.submit(command))

    return [register, list_all, get_one, remove]


def _render(institution: Institution) -> dict[str, Any]:
    return present(
        id=institution.id,
        type=institution.type,
        name=institution.name,
        address=institution.address,
        latitude=institution.latitude,
        longitude=institution.longitude,
    )
