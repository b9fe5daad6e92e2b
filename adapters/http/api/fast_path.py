"""The fast path for POST of measurements: one reading or an array, from the bytes of a request to those of a response.

Nine of ten requests are these, so they bypass the framework: its routing, request and response
cost more than everything that the service itself does for a reading (`scripts/bench write` shows it).
"""

import re
from collections.abc import Sequence

from litestar.types import ASGIApp, Receive, Scope, Send
from msgspec import UNSET, Raw, Struct, UnsetType

from adapters.http.edge import decoding, error_responses, request_body
from adapters.http.edge.access import Access
from adapters.http.edge.command_results import accepted_id, item_results
from adapters.http.edge.error_responses import RequestInfo
from adapters.http.edge.raw_response import RawResponse
from adapters.http.edge.request_body import Limit
from adapters.http.edge.requests import checked_id
from adapters.http.schemas import json_values, readings
from adapters.http.schemas.readings import Item
from adapters.refusal_messages import encode, envelope
from application import permissions
from application.command import Fault, ItemResult, id_of
from application.commands.record_measurements import RecordMeasurements
from application.writer import Writer
from domain.measurement import KINDS, Kind, Reading
from domain.refusal import AlreadyRegistered, Refusal


class Accepted(Struct, frozen=True, gc=False):
    code: int
    item: Item


class Refused(Struct, frozen=True):
    code: int
    message: str
    description: str | UnsetType
    item: Item | Raw


class MultiStatus(Struct, frozen=True):
    success: list[Accepted]
    error: list[Refused]


class PostMeasurements(Struct, frozen=True):
    """`batch_limit`: maximum items of an array."""

    access: Access
    writer: Writer
    batch_limit: int

    async def record(
        self,
        kind: Kind,
        child_id: str,
        *,
        scope: Scope,
        authorization: str,
        content_type: str,
        content_encoding: str,
        content_length: str,
        receive: Receive,
        request_id: str,
    ) -> RawResponse:
        """Record the readings of the body. Raises the Refusal of the whole command and what `Access` raises."""
        actor = await self.access.authenticate(authorization, "measurements", scope)
        permissions.check_role(RecordMeasurements.name, actor)
        child_id = checked_id(child_id, "child_id")
        if scope["query_string"]:
            await self.access.read_parameters(actor, scope, ())
        sent = await self.access.receive_body(
            scope,
            receive,
            Limit(request_body.ITEM, self.access.body_limit),
            content_type=content_type,
            content_encoding=content_encoding,
            content_length=content_length,
        )
        elements, read = await decoding.run(len(sent), self._decode, sent, kind, child_id)
        answer = await self.writer.submit(
            RecordMeasurements(actor=actor, request_id=request_id, child_id=child_id, readings=read)
        )
        if elements is None:
            return RawResponse(201, encode(_item_of(read[0], accepted_id(answer))))
        results = item_results(answer)
        error_responses.count_item_errors(results, scope)
        return await decoding.run(len(sent), _multi_status, elements, read, results, request_id)

    def _decode(self, sent: bytes, kind: Kind, child_id: str) -> tuple[list[Raw] | None, list[Reading | Refusal]]:
        """The elements of an array, or None for a single item; and the reading or Refusal of each."""
        if not json_values.opens_with(sent, b"["):
            return None, [readings.read(json_values.members(sent), kind, child_id)]
        elements = json_values.elements(sent, self.batch_limit)
        return elements, [readings.read(json_values.members_of(element), kind, child_id) for element in elements]


def _item_of(read: Reading | Refusal, id: str | UnsetType = UNSET) -> Item:
    """The item. A reading that could not be parsed is neither recorded nor a duplicate, so this never raises."""
    if isinstance(read, Refusal):
        raise read
    return readings.item(read, id)


def _multi_status(
    elements: Sequence[Raw], read: Sequence[Reading | Refusal], results: Sequence[ItemResult], request_id: str
) -> RawResponse:
    """Every element once, as a success or as an error, each list in the order sent."""
    answer = MultiStatus([], [])
    for element, reading, result in zip(elements, read, results, strict=True):
        if isinstance(result, Refusal | Fault):
            response = envelope(result, request_id)
            item = _item_of(reading) if isinstance(result, AlreadyRegistered) else element
            answer.error.append(Refused(response.code, response.message, response.description, item))
        else:
            answer.success.append(Accepted(201, _item_of(reading, id_of(result))))
    return RawResponse(207, encode(answer))


class FastPath:
    """Answers POST of measurements itself, and passes every other request to the application."""

    def __init__(self, app: ASGIApp, post_measurements: PostMeasurements) -> None:
        self._app = app
        self._post_measurements = post_measurements
        self._kinds = {kind.path: kind for kind in KINDS.values()}
        self._path = re.compile(rf"/v1/children/([^/]+)/({'|'.join(self._kinds)})/?")
        self._templates = {path: f"/v1/children/{{child_id}}/{path}" for path in self._kinds}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Only HTTP requests have a method.
        found = self._path.fullmatch(scope["path"]) if scope.get("method") == "POST" else None
        if found is None:
            await self._app(scope, receive, send)
            return
        headers = dict(reversed(list(scope["headers"])))  # the first of each name, as in the framework
        scope["path_template"] = self._templates[found[2]]
        request_id = scope["state"]["request_id"]
        try:
            response = await self._post_measurements.record(
                self._kinds[found[2]],
                found[1],
                scope=scope,
                authorization=headers.get(b"authorization", b"").decode("latin-1"),
                content_type=headers.get(b"content-type", b"").decode("latin-1"),
                content_encoding=headers.get(b"content-encoding", b"").decode("latin-1"),
                content_length=headers.get(b"content-length", b"").decode("latin-1"),
                receive=receive,
                request_id=request_id,
            )
        except Exception as error:
            response = error_responses.handle(error, RequestInfo("POST", scope["path"], request_id), scope)
        await response.send_to(send)
