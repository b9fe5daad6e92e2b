"""Helpers of handlers: request ids, ids in paths, and JSON responses."""

import re
from collections.abc import Callable
from secrets import token_hex
from typing import Any

from litestar import Request, Response
from litestar.enums import MediaType

from adapters.http.edge.error_responses import RequestInfo
from adapters.refusal_messages import encode
from domain import outcome
from domain.refusal import BadParameter, NotFound

_ID = re.compile(r"[0-9a-fA-F]{24}")
_UUID = re.compile(r"[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")


HttpRequest = Request[Any, Any, Any]


def new_request_id() -> str:
    return token_hex(12)


def request_id(request: HttpRequest) -> str:
    """The id that came with the request, or that the edge made."""
    return str(request.scope["state"]["request_id"])


def request_info(request: HttpRequest) -> RequestInfo:
    return RequestInfo(request.method, request.scope["path"], request_id(request))


def checked_id(value: str, name: str) -> str:
    """An id of a path, in lower case. Raises BadParameter."""
    if not _ID.fullmatch(value):
        raise BadParameter(name)
    return value.lower()


def checked_uuid(text: str) -> str:
    """The id of an outcome, in lower case. Raises NotFound: no outcome has an id of another form."""
    if not _UUID.fullmatch(text):
        raise NotFound(outcome.TITLE)
    return text.lower()


_IDS: dict[str, Callable[[str], str]] = {"outcome_id": checked_uuid, "id": str.lower}
"""Name of an id that is not 24 hexadecimal characters → its parser."""


def path_id(request: HttpRequest, name: str) -> str:
    """An id of the path, in lower case. Raises BadParameter or NotFound."""
    text = request.path_params[name]
    return _IDS[name](text) if name in _IDS else checked_id(text, name)


def check_path_ids(request: HttpRequest) -> None:
    """Raises what `path_id` raises for the first invalid id of the path."""
    for name in request.path_params:
        path_id(request, name)


def present(**members: Any) -> dict[str, Any]:
    """The members that are not None."""
    return {name: value for name, value in members.items() if value is not None}


def json_response(content: Any, status: int, headers: dict[str, str] | None = None) -> Response[bytes]:
    return Response(encode(content), status_code=status, media_type=MediaType.JSON, headers=headers)
