"""Lists over HTTP: their pages, and what is left of one that would have been too large."""

from collections.abc import Callable
from typing import Any

from litestar import Response

from adapters.http.api import cursors
from adapters.http.api.cursors import AFTER
from adapters.http.edge.requests import HttpRequest, json_response
from adapters.http.schemas.query_parameters import LIMIT, OFFSET, PAGE, Declared, ParameterValues
from application.queries.outcomes import Slice
from application.queries.query import Page, Paging, T

PAGED: Declared = (PAGE, LIMIT, AFTER)
SLICED: Declared = (LIMIT, OFFSET, AFTER)


def paging(parameters: ParameterValues, *types: Any) -> Paging:
    """`types` of what the list is sorted by."""
    return Paging(parameters[PAGE], parameters[LIMIT], cursors.after(parameters, *types))


def sliced(parameters: ParameterValues, *types: Any) -> Slice:
    """The same of a list that is counted by rows."""
    return Slice(parameters[LIMIT], parameters[OFFSET], cursors.after(parameters, *types))


def listed(request: HttpRequest, page: Page[T], shown: Callable[[T], Any]) -> Response[bytes]:
    """A page, as a bare array."""
    headers = {"X-Total-Count": str(page.total), **cursors.rest(request, page.rest)}
    return json_response(list(map(shown, page.rows)), 200, headers)


def named(request: HttpRequest, page: Page[T], name: str, shown: Callable[[T], Any]) -> Response[bytes]:
    """A page, as a member of that name."""
    content = {name: list(map(shown, page.rows)), "total": page.total}
    return json_response(content, 200, cursors.rest(request, page.rest))
