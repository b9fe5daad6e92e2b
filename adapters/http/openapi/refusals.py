"""Refusals in the document: the examples are what the service itself says, in the envelope of the path's family."""

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
    400: "What was sent cannot be taken.",
    401: "Nobody known asks.",
    403: "Whoever asks may not.",
    404: "It is not there.",
    408: "The request took too long to arrive, or its body was too slow: 1 KiB a second is the least.",
    409: "It is there already.",
    413: f"The body has too many bytes: {ACCOUNTS // KIB} KiB are for a login, a password or a command about accounts, "
    f"{ITEM // KIB} KiB for one group, outcome, measurement or entry, and 16 MiB, unless set otherwise, for an array "
    "of them, which begins with `[` within the first KiB, and for statistics. Or an array has too many items, or an "
    "object too many members (10,000). Nothing is stored.",
    415: "The body is something else than JSON, or packed. No content type is taken for JSON.",
    429: "Too many requests. They are counted per subject of a token, and per address without one; an array is one.",
    431: "The line of the request and its headers are longer than 64 KiB, or there are more than 100 headers.",
    500: "A fault of the service; its log has more under the request's id.",
    503: "The queue is full, the bodies of all clients or of this one are as much as may be, the database is away or a "
    "view is behind: nothing is wrong with the request.",
}

HEADERS: dict[str, Json] = {
    "X-Request-Id": {
        "description": "What the request is called in logs and in the audit.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
    },
    "X-Total-Count": {
        "description": "How many match, on whatever page.",
        "required": True,
        "schema": {"type": "integer", "minimum": 0},
    },
    "Link": {
        "description": "Only of an answer that would have been larger than about 4 MiB and was cut short: where the "
        "rest of its page is, with `rel=next`.",
        "schema": {"type": "string"},
    },
    "Retry-After": {
        "description": "Seconds until it is worth trying again.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    },
    "WWW-Authenticate": {
        "description": "How to authenticate.",
        "required": True,
        "schema": {"const": "Bearer"},
    },
    "RateLimit-Limit": {
        "description": "Requests in a window.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    },
    "RateLimit-Remaining": {
        "description": "Requests that are left in this window.",
        "required": True,
        "schema": {"type": "integer", "minimum": 0},
    },
    "RateLimit-Reset": {
        "description": "Seconds until there may be another.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    },
}

FIRST, SECOND = "Refusal", "Problem"

SCHEMAS: dict[str, Json] = {
    FIRST: closed(
        ("description", "redirect_link"),
        code={"type": "integer", "minimum": 400, "maximum": 599, "description": "The status."},
        message=string(),
        description=string(),
        redirect_link=string("Where to log in.", const="/auth"),
    ),
    SECOND: closed(error=choice(*ERRORS.values()), message=string("Of a bad member: it names it.")),
}

OF_ALL: tuple[Exception, ...] = (
    TooManyRequests(100, 1),
    HeadTooLarge(64 * 1024),
    LoggedFault(),
    Unavailable("queue full", 1),
)
"""What every operation may answer."""

OF_TOKENS: tuple[Exception, ...] = (*map(NotAuthenticated, ("missing", "expired", "bad")), UserGone())

OF_BODIES: tuple[Exception, ...] = (
    Unreadable(),
    UnsupportedMediaType(),
    TooSlow(30),
    BodyTooLarge(ITEM),
    BatchTooLarge(10_000),
)

PATHS = {FIRST: "/", SECOND: "/v1/outcomes"}
"""Envelope → a path that is answered in it."""


def shared() -> Json:
    """The responses that many operations have, by name."""
    of_many = {envelope: by_status(path, (*OF_TOKENS, *OF_ALL)) for envelope, path in PATHS.items()}
    return {f"{envelope}{status}": response for envelope, all in of_many.items() for status, response in all.items()}


def responses(operation: Operation) -> Json:
    """By status: everything that an operation may be refused with, each with what is said then."""
    path = path_of(operation)
    envelope = SECOND if api_area_of(path) == "outcomes" else FIRST
    of_tokens = ["401"] if operation.action else []
    of_counted = ["429"] if operation.action or operation.body else []
    statuses = (*of_tokens, *of_counted, "431", "500", "503")
    of_many = {status: {"$ref": f"#/components/responses/{envelope}{status}"} for status in statuses}
    return {**of_many, **by_status(path, own(operation))}


def path_of(operation: Operation) -> str:
    """One of its paths."""
    return re.sub(r"\{.*?\}", "0", operation.path)


def own(operation: Operation) -> Iterator[Exception]:
    """What an operation may be refused with besides what all of them are."""
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
        yield from OF_BODIES
        yield from operation.body.refused
    yield from operation.refused


def by_status(path: str, refused: Iterable[Exception]) -> Json:
    response = [(_called(each), error_responses.render(each, RequestInfo("GET", path, REQUEST_ID))) for each in refused]
    response.sort(key=lambda each: each[1].status)
    return {str(status): _response(list(each)) for status, each in groupby(response, key=lambda each: each[1].status)}


def _called(error: Exception) -> str:
    """A name for it: what it is, and what it is about."""
    facts = vars(error) | ({"member": str(error)} if isinstance(error, InvalidInput) else {})
    about = " ".join(facts[name] for name in ("member", "name", "title", "reason", "unit") if name in facts)
    return "-".join((type(error).__name__, *re.findall(r"\w+", about)))


def _response(refused: list[tuple[str, RawResponse]]) -> Json:
    """Of one status."""
    response = refused[0][1]
    examples = {name: {"value": msgspec.json.decode(each.content)} for name, each in refused}
    envelope = FIRST if b'"code"' in response.content else SECOND
    const = {"code": {"const": response.status}} if envelope == FIRST else {"error": {"const": ERRORS[response.status]}}
    return {
        "description": TITLES[response.status],
        "headers": headers("X-Request-Id", *response.headers),
        "content": {
            "application/json": {"schema": {"allOf": [ref(envelope), {"properties": const}]}, "examples": examples}
        },
    }


def headers(*names: str) -> Json:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
