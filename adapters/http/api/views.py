"""How the views stand, over HTTP."""

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from adapters.http.edge.access import Access
from adapters.http.edge.requests import HttpRequest, json_response
from adapters.postgres.readers.views import ViewsReader
from application.queries.views import ReadViews

PATH = "/v1/views"


def routes(access: Access, reader: ViewsReader) -> list[HTTPRouteHandler]:
    @get(PATH)
    async def list_all(request: HttpRequest) -> Response[bytes]:
        actor = await access.authorize(request, ReadViews.name)
        generations = await reader.views(ReadViews(actor=actor))
        return json_response([msgspec.to_builtins(each) for each in generations], 200)

    return [list_all]
