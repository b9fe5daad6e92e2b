"""Error responses: the one place that turns exceptions into HTTP, in the format of the API area."""

from collections import Counter
from collections.abc import Iterable, Mapping

import structlog
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException
from litestar.types import Scope
from msgspec import Struct

from adapters.errors import Disconnected
from adapters.http.edge.api_areas import api_area_of
from adapters.http.edge.command_results import LoggedFault
from adapters.http.edge.protocol_errors import HeadTooLarge, NoHttp, TooSlow
from adapters.http.edge.raw_response import RawResponse
from adapters.http.edge.request_body import BodyTooLarge, UnsupportedMediaType
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
"""Kind of unavailability → its outage, which limits how often it is logged."""


class ErrorCounts(Struct, frozen=True):
    """Errors of a request and of its items, as metrics count them. It holds no exceptions: their frames hold the body.

    `kinds`: class of error → count. `unavailable`: the kind of unavailability of a 503.
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
"""The kinds of errors that metrics count."""


class RequestInfo(Struct, frozen=True):
    """What an error response may say about its request."""

    method: str
    path: str
    request_id: str


def handle(error: Exception, request: RequestInfo, scope: Scope) -> RawResponse:
    """The response to a request that failed. Counts the error in the scope, and removes the error's frames."""
    response = error_response(error, request)
    scope["state"]["errors"] = error_counts(error)
    without_frames(error)
    return response


def error_counts(error: Exception) -> ErrorCounts:
    """The counts for a request that failed with this error."""
    return ErrorCounts(unavailable=error.kind) if isinstance(error, Unavailable) else ErrorCounts({_kind(error): 1})


def count_item_errors(results: Iterable[ItemResult], scope: Scope) -> None:
    """Count the errors of an array's items in the scope."""
    kinds = Counter(_kind(each) for each in results if not isinstance(each, str | State))
    if kinds:
        scope["state"]["errors"] = ErrorCounts(kinds)


def _kind(error: object) -> str:
    return Fault.__name__ if isinstance(error, LoggedFault) else type(error).__name__


def error_response(error: Exception, request: RequestInfo) -> RawResponse:
    """The response to an error. Logs a bug with its traceback and request id, and the start of an outage."""
    response = render(error, request)
    if isinstance(error, Unavailable):
        outage = _outages.setdefault(error.kind, Outage("requests are answered 503"))
        outage.failed(str(error), kind=error.kind, request_id=request.request_id)
        logger.debug("request answered 503", reason=str(error), path=request.path, request_id=request.request_id)
    elif response.status == 500 and not isinstance(error, LoggedFault):
        logger.error("request failed", request_id=request.request_id, path=request.path, exc_info=error)
    return response


def render(error: Exception, request: RequestInfo) -> RawResponse:
    """The response to an error, without logging."""
    said, headers = _said(error, request)
    if api_area_of(request.path) == "outcomes":
        return RawResponse(said.code, encode(problem(said, error)), headers)
    return RawResponse(said.code, encode(said), headers)


def _said(error: Exception, request: RequestInfo) -> tuple[Envelope, dict[str, str]]:
    """The envelope of an error in the format of accounts, and its headers."""
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
