"""One item or an array of them, in the family of outcomes: a body, item by item, and the answer to each."""

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from litestar import Response
from msgspec import Raw, Struct

from adapters.http import body, errors
from adapters.http.entrance import Entrance
from adapters.http.envelope import envelope, problem
from adapters.http.errors import only, outcomes
from adapters.http.requests import HttpRequest, json_response, request_id
from application.command import Answer
from domain.refusal import AlreadyRegistered, Refusal

T = TypeVar("T")


class Batch(Struct, Generic[T], frozen=True):
    """`items` are the elements as they were read, or the Refusal of each."""

    elements: Sequence[Raw]
    items: Sequence[T | Refusal]
    is_array: bool

    def answer(
        self, request: HttpRequest, answer: Answer, accepted: Callable[[T, str], Any], refused: Callable[[T], Any]
    ) -> Response[bytes]:
        """201 for one item, 207 for an array. `accepted`: how an item goes out under its id, `refused`: how one that is
        there already. The Refusal of the whole, or of the only item, is raised."""
        if not self.is_array:
            id = only(answer)
            return json_response(accepted(_sure(self.items[0]), id), 201)
        success: list[dict[str, Any]] = []
        error: list[dict[str, Any]] = []
        answered = outcomes(answer)
        errors.note_items(answered, request.scope)
        for element, item, outcome in zip(self.elements, self.items, answered, strict=True):
            if isinstance(outcome, str):
                success.append({"code": 201, "item": accepted(_sure(item), outcome)})
            else:
                told = envelope(outcome, request_id(request))
                said = problem(told, outcome)
                shown = refused(_sure(item)) if isinstance(outcome, AlreadyRegistered) else element
                error.append({"code": told.code, "error": said.error, "message": said.message, "item": shown})
        return json_response({"success": success, "error": error}, 207)


def _sure(item: T | Refusal) -> T:
    """Only what was read can be accepted, or be there already."""
    if isinstance(item, Refusal):
        raise item
    return item


async def read(
    request: HttpRequest, entrance: Entrance, limit: int, read_one: Callable[[dict[str, Raw]], T | Refusal]
) -> Batch[T]:
    """What was sent. Unreadable, BatchTooLarge, and what `body.read` says."""
    sent = await entrance.body(request)
    if body.opens_with(sent, b"["):
        elements = body.elements(sent, limit)
        return Batch(elements, [read_one(body.members_of(element)) for element in elements], is_array=True)
    return Batch([Raw(sent)], [read_one(body.members(sent))], is_array=False)
