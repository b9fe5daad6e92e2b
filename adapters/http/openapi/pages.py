"""The OpenAPI document over HTTP, and a page with Swagger UI, whose files come from an installed package."""

from functools import cache
from importlib.util import find_spec
from pathlib import Path

from litestar import Response, get
from litestar.enums import MediaType
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler

from adapters.http.edge.requests import HttpRequest
from adapters.refusal_messages import encode

OURS = Path(__file__).parent / "page"

PAGE = "index.html"

ASSETS = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon-32x32.png": "image/png",
    "page.css": "text/css",
    "page.js": "text/javascript",
}
"""File of the page → its media type."""

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cache-Control": "public, max-age=3600",
}
"""The page contains no personal data, runs only its own scripts and connects only to this service."""


def routes() -> list[HTTPRouteHandler]:
    @get("/openapi.json")
    async def document(request: HttpRequest) -> Response[bytes]:
        return Response(_document(), media_type=MediaType.JSON, headers={"Cache-Control": "public, max-age=3600"})

    @get("/docs")
    async def page(request: HttpRequest) -> Response[bytes]:
        return Response((OURS / PAGE).read_bytes(), media_type=MediaType.HTML, headers=HEADERS)

    @get("/docs/{asset:str}")
    async def asset(request: HttpRequest) -> Response[bytes]:
        name = request.path_params["asset"]
        if name not in ASSETS:
            raise NotFoundException
        return Response(_asset(name), media_type=ASSETS[name], headers=HEADERS)

    return [document, page, asset]


@cache
def _document() -> bytes:
    """Made on the first request, so that the service starts quickly."""
    from adapters.http.openapi.document import document  # noqa: PLC0415  # loaded on the first request

    return encode(document())


@cache
def _asset(name: str) -> bytes:
    ours = OURS / name
    return (ours if ours.exists() else _swagger_ui() / name).read_bytes()


def _swagger_ui() -> Path:
    """The package's files. Its code is not loaded: it is for another framework."""
    found = find_spec("flask_swagger_ui")
    if found is None or found.origin is None:
        raise FileNotFoundError("flask-swagger-ui is not installed")
    return Path(found.origin).parent / "dist"
