"""Families over HTTP: links children to a family, and unlinks them."""

from litestar import Response, delete, post
from litestar.handlers import HTTPRouteHandler

from adapters import times
from adapters.http.api import users
from adapters.http.edge.access import Access
from adapters.http.edge.command_results import accepted_id, accepted_state
from adapters.http.edge.requests import HttpRequest, json_response, path_id, request_id
from application.commands.link_child import LinkChild
from application.commands.unlink_child import UnlinkChild
from application.queries.users import User
from application.writer import Writer

PATH = "/v1/families/{family_id:str}/children/{child_id:str}"


def routes(access: Access, writer: Writer) -> list[HTTPRouteHandler]:
    @post(PATH, status_code=200)
    async def link(request: HttpRequest) -> Response[bytes]:
        actor = await access.authorize(request, LinkChild.name)
        family_id, child_id = path_id(request, "family_id"), path_id(request, "child_id")
        command = LinkChild(actor=actor, request_id=request_id(request), family_id=family_id, child_id=child_id)
        return json_response(users.render(accepted_state(await writer.submit(command), User), times.today()), 200)

    @delete(PATH)
    async def unlink(request: HttpRequest) -> None:
        actor = await access.authorize(request, UnlinkChild.name)
        family_id, child_id = path_id(request, "family_id"), path_id(request, "child_id")
        command = UnlinkChild(actor=actor, request_id=request_id(request), family_id=family_id, child_id=child_id)
        accepted_id(await writer.submit(command))

    return [link, unlink]
