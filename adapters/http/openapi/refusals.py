"""Error responses in the OpenAPI document. The service renders the examples itself, in the envelope of the API area."""

import re
from collections.abc import Iterable, Iterator
from itertools import groupby

import msgspec
from litestar.exceptions import NotFoundException

from adapters.http.edge import error_responses
from adapters.http.edge.api_areas import api_area_of
from adapters.http.edge.command_results import LoggedFault
from adapters.http.edge.error_responses import RequestInfo
from adapters.http.edge.protocol_errors import HeadTooLarge, TooSlow
from adapters.http.edge.raw_response import RawResponse
from adapters.http.edge.request_body import ACCOUNTS, ITEM, BodyTooLarge, UnsupportedMediaType
from adapters.http.openapi.operations import Operation
from adapters.http.schemas.json_schema import Json, choice, closed, ref, string
from adapters.http.schemas.json_values import BatchTooLarge
from adapters.http.schemas.query_parameters import RANGES
from adapters.limits.limiter import TooManyRequests
from adapters.refusal_messages import ERRORS
from adapters.statistics.results import InvalidInput
from application import permissions
from application.unavailable import Unavailable
from domain.refusal import EmptyRange, Forbidden, NotAuthenticated, UnknownParameter, Unreadable, UserGone

KIB = 1024

REQUEST_ID = "5a62be07de34500146d9c544"

TITLES = {
    400: "The request is invalid.",
    401: "The request has no valid credentials.",
    403: "The user is not allowed to do this.",
    404: "Not found.",
    408: "The request took too long to arrive, or its body came at less than 1 KiB a second.",
    409: "Already registered.",
    413: f"The body is too large: the limit is {ACCOUNTS // KIB} KiB for a login, a password or a command about "
    f"accounts, {ITEM // KIB} KiB for one group, outcome, measurement or entry, and by default 16 MiB for statistics "
    "and for an array, whose `[` must come within the first KiB. Or an array has too many items, or an object more "
    "than 10,000 members. Nothing is stored.",
    415: "The body is not JSON, or it is compressed. A body without content type counts as JSON.",
    429: "Too many requests. They are counted per subject of a token, and per address without one. An array counts as "
    "one request.",
    431: "The request line and headers are longer than 64 KiB, or there are more than 100 headers.",
    500: "An internal error. The service's log has details under the request id.",
    503: "The service is temporarily unavailable: its queue or its budget for bodies is full, the database is not "
    "reachable, or a view is behind. The request itself is fine.",
}

HEADERS: dict[str, Json] = {
    "X-Request-Id": {
        "description": "The id of the request in logs and in the audit.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
    },
    "X-Total-Count": {
        "description": "How many rows match, on all pages together.",
        "required": True,
        "schema": {"type": "integer", "minimum": 0},
    },
    "Link": {
        "description": "Only on a response that was cut because it would have been larger than about 4 MiB: the "
        "address of the rest of its page, with `rel=next`.",
        "schema": {"type": "string"},
    },
    "Retry-After": {
        "description": "Seconds to wait before the next attempt.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    },
    "WWW-Authenticate": {
        "description": "How to authenticate.",
        "required": True,
        "schema": {"const": "Bearer"},
    },
    "RateLimit-Limit": {
        "description": "Requests allowed per window.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    },
    "RateLimit-Remaining": {
        "description": "Requests left in this window.",
        "required": True,
        "schema": {"type": "integer", "minimum": 0},
    },
    "RateLimit-Reset": {
        "description": "Seconds until another request is allowed.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    },
}

REFUSAL, PROBLEM = "Refusal", "Problem"

SCHEMAS: dict[str, Json] = {
    REFUSAL: closed(
        ("description", "redirect_link"),
        code={"type": "integer", "minimum": 400, "maximum": 599, "description": "The HTTP status."},
        message=string(),
        description=string(),
        redirect_link=string("The path to log in.", const="/auth"),
    ),
    PROBLEM: closed(error=choice(*ERRORS.values()), message=string("The error; it names an invalid member.")),
}

ERRORS_OF_ALL: tuple[Exception, ...] = (
    TooManyRequests(100, 1),
    HeadTooLarge(64 * 1024),
    LoggedFault(),
    Unavailable("queue full", 1),
)
"""Errors of every operation."""

ERRORS_OF_TOKENS: tuple[Exception, ...] = (*map(NotAuthenticated, ("missing", "expired", "bad")), UserGone())

ERRORS_OF_BODIES: tuple[Exception, ...] = (
    Unreadable(),
    UnsupportedMediaType(),
    TooSlow(30),
    BodyTooLarge(ITEM),
    BatchTooLarge(10_000),
)

PATHS = {REFUSAL: "/", PROBLEM: "/v1/outcomes"}
"""Envelope → a path whose errors have it."""


def shared() -> Json:
    """The error responses that many operations share, by name."""
    of_many = {envelope: by_status(path, (*ERRORS_OF_TOKENS, *ERRORS_OF_ALL)) for envelope, path in PATHS.items()}
    return {f"{envelope}{status}": response for envelope, all in of_many.items() for status, response in all.items()}


def responses(operation: Operation) -> Json:
    """By status: every error that an operation may return, with examples."""
    path = path_of(operation)
    envelope = PROBLEM if api_area_of(path) == "outcomes" else REFUSAL
    of_tokens = ["401"] if operation.action else []
    of_counted = ["429"] if operation.action or operation.body else []
    statuses = (*of_tokens, *of_counted, "431", "500", "503")
    of_many = {status: {"$ref": f"#/components/responses/{envelope}{status}"} for status in statuses}
    return {**of_many, **by_status(path, own(operation))}


def path_of(operation: Operation) -> str:
    """A path that matches the operation's template."""
    return re.sub(r"\{.*?\}", "0", operation.path)


def own(operation: Operation) -> Iterator[Exception]:
    """Errors of an operation, besides those that all operations share."""
    if operation.action is not None:
        yield Forbidden(tuple(permissions.MAY[operation.action]))
    if operation.action is not None or operation.body is not None:
        yield UnknownParameter("colour")
    names = [parameter.name for parameter in operation.parameters]
    yield from (EmptyRange(*bounds) for bounds in RANGES if set(bounds) <= set(names))
    for parameter in operation.parameters:
        yield from parameter.refused
    if any(parameter.place == "path" for parameter in operation.parameters):
        yield NotFoundException()
    if operation.body is not None:
        yield from ERRORS_OF_BODIES
        yield from operation.body.refused
    yield from operation.refused


def by_status(path: str, refused: Iterable[Exception]) -> Json:
    response = [
        (_example_name(each), error_responses.render(each, RequestInfo("GET", path, REQUEST_ID))) for each in refused
    ]
    response.sort(key=lambda each: each[1].status)
    return {str(status): _response(list(each)) for status, each in groupby(response, key=lambda each: each[1].status)}


def _example_name(error: Exception) -> str:
    """A name for an example: the error and what it is about."""
    facts = vars(error) | ({"member": str(error)} if isinstance(error, InvalidInput) else {})
    about = " ".join(facts[name] for name in ("member", "name", "title", "reason", "unit") if name in facts)
    return "-".join((type(error).__name__, *re.findall(r"\w+", about)))


def _response(refused: list[tuple[str, RawResponse]]) -> Json:
    response = refused[0][1]
    examples = {name: {"value": msgspec.json.decode(each.content)} for name, each in refused}
    envelope = REFUSAL if b'"code"' in response.content else PROBLEM
    const = (
        {"code": {"const": response.status}} if envelope == REFUSAL else {"error": {"const": ERRORS[response.status]}}
    )
    return {
        "description": TITLES[response.status],
        "headers": headers("X-Request-Id", *response.headers),
        "content": {
            "application/json": {"schema": {"allOf": [ref(envelope), {"properties": const}]}, "examples": examples}
        },
    }


def headers(*names: str) -> Json:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
