"""What goes wrong, in HTTP: the one place for refusals and for everything that no handler answers, in the envelope of
the family that was asked."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TypeVar

import structlog
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException
from litestar.types import Scope, Send
from msgspec import Struct

from adapters.http.edge.api_areas import family_of
from adapters.http.edge.envelopes import ENVELOPES, FIELDS, Envelope, encode, envelope, problem
from adapters.http.edge.request_body import BatchTooLarge, BodyTooLarge, Disconnected, UnsupportedMediaType
from adapters.limits.limiter import TooManyRequests
from adapters.statistics.unfit import Unfit
from application.command import CommandResult, Fault, ItemResult, State, id_of
from application.outage import Outage
from application.unavailable import Unavailable
from domain.refusal import Refusal, without_frames

logger = structlog.get_logger()

S = TypeVar("S", bound=State)

_outages: dict[str, Outage] = {}
"""Kind of what is lacking → the outage in which requests are answered 503."""


class Refused(Struct, frozen=True):
    """What was refused of a request, the whole or items, as metrics count it. Facts only: the exceptions hold frames,
    and with them the body.

    `kinds`: how many of each class of error; `unavailable`: what was lacking, where the answer is 503.
    """

    kinds: Mapping[str, int] = {}
    unavailable: str | None = None


NOTHING = Refused()


class Failed(Exception):
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


REFUSALS = tuple(
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
        Unfit,
        UnsupportedMediaType,
    )
)
"""The kinds of what is refused, as metrics count it."""


class Told(Struct, frozen=True):
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


class Asked(Struct, frozen=True):
    """Of a request, what an answer to an error may name."""

    method: str
    path: str
    request_id: str


def outcomes(answer: CommandResult) -> list[ItemResult]:
    """The outcomes of a command's items; the Refusal of the whole is raised, as is Failed."""
    if isinstance(answer, Refusal):
        raise answer
    if isinstance(answer, Fault):
        raise Failed
    return answer


def only(answer: CommandResult) -> str:
    """The id that a command of one item answers with; its Refusal is raised, as is Failed."""
    return id_of(accepted_of(answer))


def only_state(answer: CommandResult, type: type[S]) -> S:
    """The state of this type that a command of one item answers with, likewise."""
    accepted = accepted_of(answer)
    if not isinstance(accepted, type):
        raise TypeError(f"the command answers with a {accepted.__class__.__name__}")
    return accepted


def accepted_of(answer: CommandResult) -> str | State:
    """The id or the state that a command of one item answers with, likewise."""
    (outcome,) = outcomes(answer)
    if isinstance(outcome, Refusal):
        raise outcome
    if isinstance(outcome, Fault):
        raise Failed
    return outcome


def answer(error: Exception, asked: Asked, scope: Scope) -> Told:
    """The answer to a request that has failed. The scope gets what was refused; the error loses its frames."""
    response = told(error, asked)
    scope["state"]["refused"] = refused(error)
    without_frames(error)
    return response


def refused(error: Exception) -> Refused:
    """What metrics say of a request that has failed so."""
    return Refused(unavailable=error.kind) if isinstance(error, Unavailable) else Refused({_kind(error): 1})


def note_items(outcomes: Iterable[ItemResult], scope: Scope) -> None:
    """The scope gets how many items of an array were refused, and how."""
    kinds = Counter(_kind(each) for each in outcomes if not isinstance(each, str | State))
    if kinds:
        scope["state"]["refused"] = Refused(kinds)


def _kind(refused: object) -> str:
    return Fault.__name__ if isinstance(refused, Failed) else type(refused).__name__


def told(error: Exception, asked: Asked) -> Told:
    """How an error is told to a client. What is a bug goes to the log with its trace, under the request's id."""
    answer = shown(error, asked)
    if isinstance(error, Unavailable):
        outage = _outages.setdefault(error.kind, Outage("requests are answered 503"))
        outage.failed(str(error), kind=error.kind, request_id=asked.request_id)
        logger.debug("request answered 503", reason=str(error), path=asked.path, request_id=asked.request_id)
    elif answer.status == 500 and not isinstance(error, Failed):
        logger.error("request failed", request_id=asked.request_id, path=asked.path, exc_info=error)
    return answer


def shown(error: Exception, asked: Asked) -> Told:
    """The same, and nothing goes to the log."""
    said, headers = _said(error, asked)
    if family_of(asked.path) == "outcomes":
        return Told(said.code, encode(problem(said, error)), headers)
    return Told(said.code, encode(said), headers)


def _said(error: Exception, asked: Asked) -> tuple[Envelope, dict[str, str]]:
    """The first envelope of an error, and its headers."""
    match error:
        case Refusal():
            said = envelope(error, asked.request_id)
            return said, {"WWW-Authenticate": "Bearer"} if said.code == 401 else {}
        case Unfit():
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
            return Envelope(404, f"Endpoint {asked.path} not found!"), {}
        case HTTPException(status_code=405):
            allow = (error.headers or {}).get("allow", "")
            return Envelope(405, f"Method {asked.method} is not allowed for {asked.path}!"), {"Allow": allow}
        case HTTPException(status_code=400):
            return Envelope(400, "Unable to process request!", str(error.detail)), {}
    return envelope(Fault(), asked.request_id), {}


def _too_many(error: TooManyRequests) -> tuple[Envelope, dict[str, str]]:
    wait = str(error.wait)
    return Envelope(429, "Too many requests!", f"Try again in {wait} s."), {
        "Retry-After": wait,
        "RateLimit-Limit": str(error.limit),
        "RateLimit-Remaining": "0",
        "RateLimit-Reset": wait,
    }
