"""The Litestar application: all routes, and one handler for all errors."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from inspect import unwrap

from litestar import Litestar, Response, route
from litestar._asgi.routing_trie import traversal
from litestar.enums import HttpMethod, MediaType
from litestar.handlers import HTTPRouteHandler

from adapters.http.edge import error_responses
from adapters.http.edge.requests import HttpRequest, request_info


def create(
    routes: Sequence[HTTPRouteHandler],
    *,
    lifespan: Sequence[Callable[[Litestar], AbstractAsyncContextManager[None]]] = (),
) -> Litestar:
    methods: dict[str, set[str]] = {}
    for handler in routes:
        if HttpMethod.GET in handler.http_methods:
            handler.http_methods.add(HttpMethod.HEAD)  # the server omits the body
        for path in handler.paths:
            methods.setdefault(path, {"OPTIONS"}).update(handler.http_methods)
    application = Litestar(
        [*(_options(path, ", ".join(sorted(names))) for path, names in methods.items()), *routes],
        exception_handlers={Exception: _handle_error},
        lifespan=list(lifespan),
        request_max_body_size=None,
        openapi_config=None,
        logging_config=None,
    )
    _remove_path_caches(application)
    return application


def _remove_path_caches(application: Litestar) -> None:
    """Remove the framework's caches, which would hold the last 1,024 paths of up to 64 KiB each."""
    router = application.asgi_router
    router.handle_routing = unwrap(router.handle_routing)
    traversal.parse_path_params = unwrap(traversal.parse_path_params)


def _options(path: str, allowed: str) -> HTTPRouteHandler:
    """Answers OPTIONS with the methods of all handlers of a path. The framework would name those of one handler."""

    @route(path, http_method=HttpMethod.OPTIONS, status_code=204)
    async def options(request: HttpRequest) -> Response[None]:
        return Response(None, status_code=204, headers={"Allow": allowed})

    return options


def _handle_error(request: HttpRequest, error: Exception) -> Response[bytes]:
    response = error_responses.handle(error, request_info(request), request.scope)
    return Response(response.content, status_code=response.status, media_type=MediaType.JSON, headers=response.headers)
