"""The Litestar application: every route, and the one place for what none of them answers."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager

import structlog
from litestar import Litestar, Response
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler

from adapters.http.body import BatchTooLarge, UnsupportedMediaType
from adapters.http.envelope import Envelope, envelope
from adapters.http.requests import Failed, HttpRequest, json_response, request_id
from application.command import Fault
from application.writer import Unavailable
from domain.refusal import Refusal

logger = structlog.get_logger()


def create(
    routes: Sequence[HTTPRouteHandler],
    *,
    body_limit: int,
    lifespan: Sequence[Callable[[Litestar], AbstractAsyncContextManager[None]]] = (),
) -> Litestar:
    """`body_limit`: bytes of a request's body, at most."""

    def too_large(request: HttpRequest, limit: str) -> Response[bytes]:
        return json_response(Envelope(413, "Payload too large!", f"The limit is {limit}."), 413)

    def http_error(request: HttpRequest, error: HTTPException) -> Response[bytes]:
        """What the framework refuses by itself, before a handler is asked."""
        path = request.url.path
        match error.status_code:
            case 404:
                return json_response(Envelope(404, f"Endpoint {path} not found!"), 404)
            case 405:
                allow = (error.headers or {}).get("allow", "")
                told = Envelope(405, f"Method {request.method} is not allowed for {path}!")
                return json_response(told, 405, {"Allow": allow})
            case 413:
                return too_large(request, f"{body_limit} bytes")
            case 400:
                return json_response(Envelope(400, "Unable to process request!", str(error.detail)), 400)
            case _:
                return bug(request, error)

    def bug(request: HttpRequest, error: Exception) -> Response[bytes]:
        id = request_id(request)
        logger.error("request failed", request_id=id, path=request.url.path, exc_info=error)
        return json_response(envelope(Fault(), id), 500)

    def failed(request: HttpRequest, error: Failed) -> Response[bytes]:
        return json_response(envelope(Fault(), request_id(request)), 500)

    def refusal(request: HttpRequest, error: Refusal) -> Response[bytes]:
        told = envelope(error, request_id(request))
        return json_response(told, told.code)

    def unavailable(request: HttpRequest, error: Unavailable) -> Response[bytes]:
        logger.warning("unavailable", reason=str(error), path=request.url.path)
        told = Envelope(503, "The service cannot answer now!", f"Try again in {error.retry_after} s.")
        return json_response(told, 503, {"Retry-After": str(error.retry_after)})

    def unsupported(request: HttpRequest, error: UnsupportedMediaType) -> Response[bytes]:
        return json_response(Envelope(415, "Content type must be application/json!"), 415)

    def batch_too_large(request: HttpRequest, error: BatchTooLarge) -> Response[bytes]:
        return too_large(request, f"{error.limit} items")

    return Litestar(
        list(routes),
        exception_handlers={
            Refusal: refusal,
            Unavailable: unavailable,
            UnsupportedMediaType: unsupported,
            BatchTooLarge: batch_too_large,
            HTTPException: http_error,
            Failed: failed,
            Exception: bug,
        },
        lifespan=list(lifespan),
        request_max_body_size=body_limit,
        openapi_config=None,
        logging_config=None,
    )
