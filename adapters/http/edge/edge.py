"""The edge: the outermost ASGI layer. It gives every response a request id and security headers, and handles every
error that no inner layer handled."""

import asyncio
import re
from collections.abc import Callable
from time import perf_counter

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from msgspec import Struct

from adapters.errors import Disconnected
from adapters.http.edge import error_responses
from adapters.http.edge.cors import Cors, Headers
from adapters.http.edge.draining import Draining
from adapters.http.edge.error_responses import NO_ERRORS, ErrorCounts, RequestInfo
from adapters.http.edge.raw_response import RawResponse
from adapters.http.edge.requests import new_request_id
from application.unavailable import Unavailable

_SECURITY: Headers = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
]
_STRICT: Headers = [(b"strict-transport-security", b"max-age=31536000")]

UNKNOWN = "unknown"
"""The route of requests without a handler."""

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")


def security(*, with_tls: bool) -> Headers:
    """Security headers of every response that does not set them itself."""
    return _SECURITY + _STRICT if with_tls else _SECURITY


class RequestRecord(Struct, frozen=True, gc=False):
    """One request and its result, for metrics and the access log.

    `route`: a path template, or `unknown`. `status`: None when the client disconnected before the response. `user_id`:
    that of a valid token.
    """

    method: str
    route: str
    status: int | None
    seconds: float
    errors: ErrorCounts
    request_id: str
    user_id: str | None


class Edge:
    def __init__(
        self,
        app: ASGIApp,
        *,
        draining: Draining,
        cors: Cors | None = None,
        with_tls: bool = False,
        observe: Callable[[RequestRecord], None] = lambda _: None,
    ) -> None:
        """Without `cors` no other origin is allowed. `observe` is called for every request after its response."""
        self._app = app
        self._draining = draining
        self._cors = cors
        self._security = security(with_tls=with_tls)
        self._observe = observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        method, path = scope["method"], scope["path"]  # as received: the framework normalizes the path
        sent = dict(scope["headers"])
        given = _id_of(sent.get(b"x-request-id"))
        request_id = scope.setdefault("state", {})["request_id"] = given.decode()
        ours = [(b"x-request-id", given)]
        if self._cors is not None:
            ours += self._cors.headers(sent.get(b"origin"))
        status: int | None = None

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = list(message["headers"])
                said = {name for name, _ in headers}
                headers += ours
                headers += [header for header in self._security if header[0] not in said]
                if self._draining.begun:
                    headers.append((b"connection", b"close"))  # so that the client reconnects to another process
                message["headers"] = headers
            await send(message)

        try:
            self._draining.enter()
            try:
                if self._cors is not None and self._cors.is_preflight(method, sent):
                    ours += self._cors.preflight
                    await RawResponse(204, b"").send_to(answer)
                else:
                    await self._app(scope, receive, answer)
            finally:
                self._draining.leave()
        except (Exception, asyncio.CancelledError) as error:
            if status is not None:
                raise  # a part of the response was sent: only closing the connection can tell the client
            if isinstance(error, asyncio.CancelledError):  # the time to drain is over
                error = Unavailable("this process is ending", kind="ending")
            await error_responses.handle(error, RequestInfo(method, path, request_id), scope).send_to(answer)
        finally:
            if (reserved := scope["state"].pop("body", None)) is not None:
                reserved.release()
            route, errors = scope.get("path_template", UNKNOWN), scope["state"].get("errors", NO_ERRORS)
            if Disconnected.__name__ in errors.kinds:
                # The connection may have answered already, before the request was complete.
                status, errors = scope["state"].get("answered", (None, errors))
            user_id = scope["state"].get("user_id")
            self._observe(RequestRecord(method, route, status, perf_counter() - started, errors, request_id, user_id))


def _id_of(given: bytes | None) -> bytes:
    """The id that came with the request if it is valid, else a new one."""
    return given if given is not None and _REQUEST_ID.fullmatch(given) else new_request_id().encode()
