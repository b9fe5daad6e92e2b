"""Batches of outcomes and entries: reads one item or an array from a body, and renders the result of each."""

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from litestar import Response
from msgspec import Raw, Struct

from adapters.http.edge import decoding, error_responses, request_body
from adapters.http.edge.access import Access
from adapters.http.edge.command_results import accepted_result, item_results
from adapters.http.edge.request_body import Limit
from adapters.http.edge.requests import HttpRequest, json_response, request_id
from adapters.http.schemas import json_values
from adapters.refusal_messages import envelope, problem
from application.command import CommandResult, ItemResult, State
from domain.refusal import AlreadyRegistered, Refusal

T = TypeVar("T")


class Batch(Struct, Generic[T], frozen=True):
    """`items`: each element as parsed, or its Refusal. `size`: bytes of the body."""

    elements: Sequence[Raw]
    items: Sequence[T | Refusal]
    is_array: bool
    size: int

    async def answer(
        self,
        request: HttpRequest,
        answer: CommandResult,
        render_accepted: Callable[[T, Any], Any],
        render_existing: Callable[[T], Any],
    ) -> Response[bytes]:
        """201 for one item, 207 for an array. A Refusal of the whole command, or of the only item, is raised.

        `render_accepted` takes an item and its new id or state; `render_existing` an item that is already registered.
        """
        if not self.is_array:
            return json_response(render_accepted(_parsed(self.items[0]), accepted_result(answer)), 201)
        results = item_results(answer)
        error_responses.count_item_errors(results, request.scope)
        arguments = results, render_accepted, render_existing, request_id(request)
        return await decoding.run(self.size, self._multi_status, *arguments)

    def _multi_status(
        self,
        results: Sequence[ItemResult],
        render_accepted: Callable[[T, Any], Any],
        render_existing: Callable[[T], Any],
        request_id: str,
    ) -> Response[bytes]:
        success: list[dict[str, Any]] = []
        error: list[dict[str, Any]] = []
        for element, item, result in zip(self.elements, self.items, results, strict=True):
            if isinstance(result, str | State):
                success.append({"code": 201, "item": render_accepted(_parsed(item), result)})
            else:
                rejection = envelope(result, request_id)
                in_area_format = problem(rejection, result)
                rendered = render_existing(_parsed(item)) if isinstance(result, AlreadyRegistered) else element
                error.append(
                    {
                        "code": rejection.code,
                        "error": in_area_format.error,
                        "message": in_area_format.message,
                        "item": rendered,
                    }
                )
        return json_response({"success": success, "error": error}, 207)


def _parsed(item: T | Refusal) -> T:
    """The item. An item that could not be parsed is neither accepted nor a duplicate, so this never raises."""
    if isinstance(item, Refusal):
        raise item
    return item


async def read(
    request: HttpRequest, access: Access, limit: int, read_one: Callable[[dict[str, Raw]], T | Refusal]
) -> Batch[T]:
    """The batch of a request. Raises Unreadable, BatchTooLarge and what `Access.read_body` raises."""
    sent = await access.read_body(request, Limit(request_body.ITEM, access.body_limit))
    return await decoding.run(len(sent), _decode, sent, limit, read_one)


def _decode(sent: bytes, limit: int, read_one: Callable[[dict[str, Raw]], T | Refusal]) -> Batch[T]:
    if not json_values.opens_with(sent, b"["):
        return Batch([Raw(sent)], [read_one(json_values.members(sent))], is_array=False, size=len(sent))
    elements = json_values.elements(sent, limit)
    items = [read_one(json_values.members_of(element)) for element in elements]
    return Batch(elements, items, is_array=True, size=len(sent))
