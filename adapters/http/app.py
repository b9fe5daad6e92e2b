"""The Litestar application: every route, and one handler for every error."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager

from litestar import Litestar, Response, route
from litestar.enums import HttpMethod, MediaType
from litestar.handlers import HTTPRouteHandler

from adapters.http import errors
from adapters.http.requests import HttpRequest, asked


def create(
    routes: Sequence[HTTPRouteHandler],
    *,
    lifespan: Sequence[Callable[[Litestar], AbstractAsyncContextManager[None]]] = (),
) -> Litestar:
    methods: dict[str, set[str]] = {}
    for handler in routes:
        if HttpMethod.GET in handler.http_methods:
            handler.http_methods.add(HttpMethod.HEAD)  # the server leaves out the body
        for path in handler.paths:
            methods.setdefault(path, {"OPTIONS"}).update(handler.http_methods)
    return Litestar(
        [*(_options(path, ", ".join(sorted(names))) for path, names in methods.items()), *routes],
        exception_handlers={Exception: _answer},
        lifespan=list(lifespan),
        request_max_body_size=None,
        openapi_config=None,
        logging_config=None,
    )


def _options(path: str, allowed: str) -> HTTPRouteHandler:
    """Comes before the path's other handlers: else the framework adds one, which tells the methods of one of them."""

    @route(path, http_method=HttpMethod.OPTIONS, status_code=204)
    async def options(request: HttpRequest) -> Response[None]:
        return Response(None, status_code=204, headers={"Allow": allowed})

    return options


def _answer(request: HttpRequest, error: Exception) -> Response[bytes]:
    request.scope["state"]["refused"] = (error,)
    told = errors.told(error, asked(request))
    return Response(told.content, status_code=told.status, media_type=MediaType.JSON, headers=told.headers)
