"""Metrics over HTTP for Prometheus. They need no token: they contain no personal data."""

from collections.abc import Awaitable, Callable

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from adapters.http.edge.requests import HttpRequest

FORMAT = "text/plain; version=0.0.4"


def routes(text: Callable[[], Awaitable[bytes]]) -> list[HTTPRouteHandler]:
    @get("/metrics")
    async def read_metrics(request: HttpRequest) -> Response[bytes]:
        return Response(await text(), media_type=FORMAT)

    return [read_metrics]
