"""What every handler asks of a request: its id, who sent it, and the ids in its path."""

import re
from secrets import token_hex
from typing import Any

from litestar import Request, Response
from litestar.enums import MediaType

from adapters.http.envelope import encode
from application.command import Answer, Fault, Outcome
from domain.refusal import BadParameter, Refusal

_ID = re.compile(r"[0-9a-fA-F]{24}")

HttpRequest = Request[Any, Any, Any]


def request_id(request: HttpRequest) -> str:
    """The same for every call with one request."""
    state = request.scope["state"]
    if "request_id" not in state:
        state["request_id"] = token_hex(12)
    return str(state["request_id"])


def path_id(request: HttpRequest, name: str) -> str:
    """An id of the path, in lower case. BadParameter."""
    value = request.path_params[name]
    if not _ID.fullmatch(value):
        raise BadParameter(name)
    return str(value.lower())


def json_response(content: Any, status: int, headers: dict[str, str] | None = None) -> Response[bytes]:
    return Response(encode(content), status_code=status, media_type=MediaType.JSON, headers=headers)


class Failed(Exception):
    """A fault of ours that is in the log already."""


def outcomes(answer: Answer) -> list[Outcome]:
    """The outcomes of a command's items; the Refusal of the whole is raised, as is Failed."""
    if isinstance(answer, Refusal):
        raise answer
    if isinstance(answer, Fault):
        raise Failed
    return answer


def only(answer: Answer) -> str:
    """The id that a command of one item answers with; its Refusal is raised, as is Failed."""
    (outcome,) = outcomes(answer)
    if isinstance(outcome, Refusal):
        raise outcome
    if isinstance(outcome, Fault):
        raise Failed
    return outcome
