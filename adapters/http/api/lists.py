"""Lists over HTTP: their pages, and what is left of one that would have been too large."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from litestar import Response

from adapters.http.edge.requests import HttpRequest, json_response
from adapters.http.schemas import paging, query_parameters
from adapters.http.schemas.paging import AFTER
from application.queries.query import Page, Position, T


def listed(request: HttpRequest, page: Page[T], shown: Callable[[T], Any]) -> Response[bytes]:
    """A page, as a bare array."""
    headers = {"X-Total-Count": str(page.total), **rest(request, page.rest)}
    return json_response(list(map(shown, page.rows)), 200, headers)


def named(request: HttpRequest, page: Page[T], name: str, shown: Callable[[T], Any]) -> Response[bytes]:
    """A page, as a member of that name."""
    content = {name: list(map(shown, page.rows)), "total": page.total}
    return json_response(content, 200, rest(request, page.rest))


def link(request: HttpRequest, cursor: str | None) -> dict[str, str]:
    """The header that leads to the rest of an answer: the same question, with the cursor."""
    if cursor is None:
        return {}
    scope = request.scope
    sent = [(name, text) for name, text in query_parameters.pairs(scope["query_string"]) if name != AFTER.name]
    path = (scope.get("raw_path") or scope["path"].encode()).decode("ascii", "replace")
    return {"Link": f'<{path}?{urlencode([*sent, (AFTER.name, cursor)])}>; rel="next"'}


def rest(request: HttpRequest, position: Position | None) -> dict[str, str]:
    """The same of a list."""
    return link(request, None if position is None else paging.text_of(position))
