"""Lists over HTTP: pages, and the link to the rest of a page that was cut."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from litestar import Response

from adapters.http.edge.requests import HttpRequest, json_response
from adapters.http.schemas import paging, query_parameters
from adapters.http.schemas.paging import AFTER
from application.queries.query import Page, Position, T


def listed(request: HttpRequest, page: Page[T], shown: Callable[[T], Any]) -> Response[bytes]:
    """A page as a bare array."""
    headers = {"X-Total-Count": str(page.total), **rest_link(request, page.rest)}
    return json_response(list(map(shown, page.rows)), 200, headers)


def named(request: HttpRequest, page: Page[T], name: str, shown: Callable[[T], Any]) -> Response[bytes]:
    """A page as the member `name` of an object."""
    content = {name: list(map(shown, page.rows)), "total": page.total}
    return json_response(content, 200, rest_link(request, page.rest))


def link(request: HttpRequest, cursor: str | None) -> dict[str, str]:
    """The Link header to the rest of a response: the same request with the cursor. Empty without a cursor."""
    if cursor is None:
        return {}
    scope = request.scope
    sent = [(name, text) for name, text in query_parameters.pairs(scope["query_string"]) if name != AFTER.name]
    path = (scope.get("raw_path") or scope["path"].encode()).decode("ascii", "replace")
    return {"Link": f'<{path}?{urlencode([*sent, (AFTER.name, cursor)])}>; rel="next"'}


def rest_link(request: HttpRequest, position: Position | None) -> dict[str, str]:
    """The Link header to the rest of a list that was cut at `position`."""
    return link(request, None if position is None else paging.text_of(position))
