"""What goes wrong, in HTTP: the one place for refusals and for everything that no handler answers, in the envelope of
the family that was asked."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TypeVar

import structlog
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException
from litestar.types import Scope, Send
from msgspec import Struct

from adapters.http.edge.api_areas import api_area_of
from adapters.http.edge.envelopes import ENVELOPES, FIELDS, Envelope, encode, envelope, problem
from adapters.http.edge.request_body import BatchTooLarge, BodyTooLarge, Disconnected, UnsupportedMediaType
from adapters.limits.limiter import TooManyRequests
from adapters.statistics.results import InvalidInput
from application.command import CommandResult, Fault, ItemResult, State, id_of
from application.outage import Outage
from application.unavailable import Unavailable
from domain.refusal import Refusal, without_frames

logger = structlog.get_logger()

S = TypeVar("S", bound=State)

_outages: dict[str, Outage] = {}
"""Kind of what is lacking → the outage in which requests are answered 503."""


class ErrorCounts(Struct, frozen=True):
    """What was refused of a request, the whole or items, as metrics count it. Facts only: the exceptions hold frames,
    and with them the body.

    `kinds`: how many of each class of error; `unavailable`: what was lacking, where the answer is 503.
    """

    kinds: Mapping[str, int] = {}
    unavailable: str | None = None


NO_ERRORS = ErrorCounts()


class LoggedFault(Exception):
    """A fault of ours that is in the log already."""


class NoHttp(Exception):
    """What came is no HTTP."""


class HeadTooLarge(Exception):
    """`limit`: bytes of a request line with its headers, or `unit` of them, at most."""

    def __init__(self, limit: int, unit: str = "bytes") -> None:
        self.limit = limit
        self.unit = unit


class TooSlow(Exception):
    """`wait`: seconds that a request may take to arrive."""

    def __init__(self, wait: float) -> None:
        self.wait = wait


ERROR_KINDS = tuple(
    each.__name__
    for each in (
        *ENVELOPES,
        BatchTooLarge,
        BodyTooLarge,
        Disconnected,
        Fault,
        HeadTooLarge,
        MethodNotAllowedException,
        NoHttp,
        NotFoundException,
        TooManyRequests,
        TooSlow,
        InvalidInput,
        UnsupportedMediaType,
    )
)
"""The kinds of what is refused, as metrics count it."""


class RawResponse(Struct, frozen=True):
    """An answer: its status, its JSON, and what it has to say in headers besides."""

    status: int
    content: bytes
    headers: dict[str, str] = {}

    async def send_to(self, send: Send) -> None:
        """Send it, whole."""
        headers = [(name.lower().encode(), value.encode()) for name, value in self.headers.items()]
        if self.content:
            headers += [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(self.content))]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.content, "more_body": False})


class RequestInfo(Struct, frozen=True):
    """Of a request, what an answer to an error may name."""

    method: str
    path: str
    request_id: str


def item_results(result: CommandResult) -> list[ItemResult]:
    """The outcomes of a command's items; the Refusal of the whole is raised, as is Failed."""
    if isinstance(result, Refusal):
        raise result
    if isinstance(result, Fault):
        raise LoggedFault
    return result


def accepted_id(result: CommandResult) -> str:
    """The id that a command of one item answers with; its Refusal is raised, as is Failed."""
    return id_of(accepted_result(result))


def accepted_state(result: CommandResult, type: type[S]) -> S:
    """The state of this type that a command of one item answers with, likewise."""
    state = accepted_result(result)
    if not isinstance(state, type):
        raise TypeError(f"the command answers with a {state.__class__.__name__}")
    return state


def accepted_result(result: CommandResult) -> str | State:
    """The id or the state that a command of one item answers with, likewise."""
    (outcome,) = item_results(result)
    if isinstance(outcome, Refusal):
        raise outcome
    if isinstance(outcome, Fault):
        raise LoggedFault
    return outcome


def handle(error: Exception, request: RequestInfo, scope: Scope) -> RawResponse:
    """The answer to a request that has failed. The scope gets what was refused; the error loses its frames."""
    response = error_response(error, request)
    scope["state"]["errors"] = error_counts(error)
    without_frames(error)
    return response


def error_counts(error: Exception) -> ErrorCounts:
    """What metrics say of a request that has failed so."""
    return ErrorCounts(unavailable=error.kind) if isinstance(error, Unavailable) else ErrorCounts({_kind(error): 1})


def count_item_errors(results: Iterable[ItemResult], scope: Scope) -> None:
    """The scope gets how many items of an array were refused, and how."""
    kinds = Counter(_kind(each) for each in results if not isinstance(each, str | State))
    if kinds:
        scope["state"]["errors"] = ErrorCounts(kinds)


def _kind(error: object) -> str:
    return Fault.__name__ if isinstance(error, LoggedFault) else type(error).__name__


def error_response(error: Exception, request: RequestInfo) -> RawResponse:
    """How an error is told to a client. What is a bug goes to the log with its trace, under the request's id."""
    response = render(error, request)
    if isinstance(error, Unavailable):
        outage = _outages.setdefault(error.kind, Outage("requests are answered 503"))
        outage.failed(str(error), kind=error.kind, request_id=request.request_id)
        logger.debug("request answered 503", reason=str(error), path=request.path, request_id=request.request_id)
    elif response.status == 500 and not isinstance(error, LoggedFault):
        logger.error("request failed", request_id=request.request_id, path=request.path, exc_info=error)
    return response


def render(error: Exception, request: RequestInfo) -> RawResponse:
    """The same, and nothing goes to the log."""
    said, headers = _said(error, request)
    if api_area_of(request.path) == "outcomes":
        return RawResponse(said.code, encode(problem(said, error)), headers)
    return RawResponse(said.code, encode(said), headers)


def _said(error: Exception, request: RequestInfo) -> tuple[Envelope, dict[str, str]]:
    """The first envelope of an error, and its headers."""
    match error:
        case Refusal():
            said = envelope(error, request.request_id)
            return said, {"WWW-Authenticate": "Bearer"} if said.code == 401 else {}
        case InvalidInput():
            return Envelope(400, FIELDS, str(error)), {}
        case Unavailable():
            wait = str(error.retry_after)
            return Envelope(503, "The service cannot answer now!", f"Try again in {wait} s."), {"Retry-After": wait}
        case TooManyRequests():
            return _too_many(error)
        case UnsupportedMediaType():
            return Envelope(415, "Content type must be application/json!"), {}
        case BodyTooLarge() | BatchTooLarge():
            return Envelope(413, "Payload too large!", f"The limit is {error.limit} {error.unit}."), {}
        case Disconnected() | NoHttp():
            return Envelope(400, "Unable to process request!", "It is no HTTP request, or ended too soon."), {}
        case TooSlow():
            must = f"It must arrive within {error.wait:g} s, and its body at a steady rate."
            return Envelope(408, "The request took too long!", must), {}
        case HeadTooLarge():
            return Envelope(431, "Request headers too large!", f"The limit is {error.limit} {error.unit}."), {}
        case HTTPException(status_code=404):
            return Envelope(404, f"Endpoint {request.path} not found!"), {}
        case HTTPException(status_code=405):
            allow = (error.headers or {}).get("allow", "")
            return Envelope(405, f"Method {request.method} is not allowed for {request.path}!"), {"Allow": allow}
        case HTTPException(status_code=400):
            return Envelope(400, "Unable to process request!", str(error.detail)), {}
    return envelope(Fault(), request.request_id), {}


def _too_many(error: TooManyRequests) -> tuple[Envelope, dict[str, str]]:
    wait = str(error.wait)
    return Envelope(429, "Too many requests!", f"Try again in {wait} s."), {
        "Retry-After": wait,
        "RateLimit-Limit": str(error.limit),
        "RateLimit-Remaining": "0",
        "RateLimit-Reset": wait,
    }
