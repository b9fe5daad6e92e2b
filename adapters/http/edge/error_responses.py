"""What goes wrong, in HTTP: the one place for refusals and for everything that no handler answers, in the envelope of
the family that was asked."""

from collections import Counter
from collections.abc import Iterable, Mapping

import structlog
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException
from litestar.types import Scope
from msgspec import Struct

from adapters.http.edge.api_areas import api_area_of
from adapters.http.edge.command_results import LoggedFault
from adapters.http.edge.protocol_errors import HeadTooLarge, NoHttp, TooSlow
from adapters.http.edge.raw_response import RawResponse
from adapters.http.edge.request_body import BodyTooLarge, Disconnected, UnsupportedMediaType
from adapters.http.schemas.json_values import BatchTooLarge
from adapters.limits.limiter import TooManyRequests
from adapters.refusal_messages import ENVELOPES, FIELDS, Envelope, encode, envelope, problem
from adapters.statistics.results import InvalidInput
from application.command import Fault, ItemResult, State
from application.outage import Outage
from application.unavailable import Unavailable
from domain.refusal import Refusal, without_frames

logger = structlog.get_logger()

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


class RequestInfo(Struct, frozen=True):
    """Of a request, what an answer to an error may name."""

    method: str
    path: str
    request_id: str


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
