"""The Litestar application: every route, and one handler for every error."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager

from litestar import Litestar, Response
from litestar.enums import MediaType
from litestar.handlers import HTTPRouteHandler

from adapters.http import errors
from adapters.http.requests import HttpRequest, asked


def create(
    routes: Sequence[HTTPRouteHandler],
    *,
    lifespan: Sequence[Callable[[Litestar], AbstractAsyncContextManager[None]]] = (),
) -> Litestar:
    return Litestar(
        list(routes),
        exception_handlers={Exception: _answer},
        lifespan=list(lifespan),
        request_max_body_size=None,
        openapi_config=None,
        logging_config=None,
    )


def _answer(request: HttpRequest, error: Exception) -> Response[bytes]:
    told = errors.told(error, asked(request))
    return Response(told.content, status_code=told.status, media_type=MediaType.JSON, headers=told.headers)
