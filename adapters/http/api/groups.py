"""Children's groups over HTTP: five endpoints for each role that owns groups."""

from typing import Any

from litestar import Response, delete, get, patch, post
from litestar.handlers import HTTPRouteHandler
from msgspec import UNSET

from adapters.http.api import lists
from adapters.http.edge import decoding
from adapters.http.edge.access import Access
from adapters.http.edge.command_results import accepted_id, accepted_state
from adapters.http.edge.request_body import ITEM
from adapters.http.edge.requests import HttpRequest, json_response, path_id, present, request_id
from adapters.http.schemas import paging
from adapters.http.schemas.members import Members
from adapters.http.schemas.paging import PAGED
from adapters.postgres.readers.accounts import AccountsReader
from application.commands.disband_group import DisbandGroup
from application.commands.form_group import FormGroup, NewGroup
from application.commands.revise_group import GroupChange, ReviseGroup
from application.queries.groups import Group, ListGroups, ReadGroup
from application.writer import Writer

OWNERS = {"educators": "educator", "healthprofessionals": "healthprofessional"}
"""Collection of a role that owns groups → the role."""


def routes(access: Access, writer: Writer, reader: AccountsReader) -> list[HTTPRouteHandler]:
    return [
        route for collection, role in OWNERS.items() for route in _routes_of(collection, role, access, writer, reader)
    ]


def _routes_of(
    collection: str, role: str, access: Access, writer: Writer, reader: AccountsReader
) -> list[HTTPRouteHandler]:
    path = f"/v1/{collection}/{{{role}_id:str}}/children/groups"
    one = f"{path}/{{group_id:str}}"

    async def children(sent: Members) -> tuple[str, ...]:
        return await decoding.run(sent.size("children"), sent.ids, "children")

    @post(path, status_code=201, name=f"form_group_of_{role}")
    async def form(request: HttpRequest) -> Response[bytes]:
        actor = await access.authorize(request, FormGroup.name, role)
        sent = await access.read_members(request, ("name", "children"), most=ITEM)
        new = NewGroup(sent.text("name"), await children(sent), sent.optional_text("school_class"))
        id = accepted_id(await writer.submit(FormGroup(actor=actor, request_id=request_id(request), group=new)))
        return json_response(render(Group(id, new.name, sorted(new.children), new.school_class)), 201)

    @get(path, name=f"list_groups_of_{role}")
    async def list_all(request: HttpRequest) -> Response[bytes]:
        actor, parameters = await access.authorize_query(request, ListGroups.name, PAGED, role)
        page = await reader.groups(ListGroups(actor=actor, paging=paging.paging(parameters, str)))
        return lists.listed(request, page, render)

    @get(one, name=f"get_group_of_{role}")
    async def get_one(request: HttpRequest) -> Response[bytes]:
        actor = await access.authorize(request, ReadGroup.name, role)
        group = await reader.group(ReadGroup(actor=actor, group_id=path_id(request, "group_id")))
        return json_response(render(group), 200)

    @patch(one, status_code=200, name=f"revise_group_of_{role}")
    async def revise(request: HttpRequest) -> Response[bytes]:
        actor = await access.authorize(request, ReviseGroup.name, role)
        group_id = path_id(request, "group_id")
        sent = await access.read_members(request, most=ITEM)
        change = GroupChange(
            name=sent.text("name") if "name" in sent else UNSET,
            children=await children(sent) if "children" in sent else UNSET,
            school_class=sent.text_or_null("school_class") if "school_class" in sent else UNSET,
        )
        command = ReviseGroup(actor=actor, request_id=request_id(request), group_id=group_id, change=change)
        return json_response(render(accepted_state(await writer.submit(command), Group)), 200)

    @delete(one, name=f"disband_group_of_{role}")
    async def disband(request: HttpRequest) -> None:
        actor = await access.authorize(request, DisbandGroup.name, role)
        group_id = path_id(request, "group_id")
        accepted_id(await writer.submit(DisbandGroup(actor=actor, request_id=request_id(request), group_id=group_id)))

    return [form, list_all, get_one, revise, disband]


def render(group: Group) -> dict[str, Any]:
    return present(id=group.id, name=group.name, children=group.children, school_class=group.school_class)
