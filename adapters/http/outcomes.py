"""Outcomes over HTTP, and their entries."""

import re
from datetime import UTC, datetime

from litestar import Response, get, patch, post
from litestar.handlers import HTTPRouteHandler

from adapters.http import batch, definitions, entry_items
from adapters.http.body import ITEM
from adapters.http.entrance import Entrance
from adapters.http.errors import only_state
from adapters.http.questions import Questions
from adapters.http.requests import HttpRequest, json_response, request_id
from adapters.postgres.outcomes_reader import OutcomesReader
from application.commands.create_outcomes import CreateOutcomes
from application.commands.record_entries import RecordEntries
from application.commands.revise_outcome import ReviseOutcome
from application.queries.outcomes import ListEntries, ListOutcomes, OutcomeRow, ReadOutcome
from application.writer import Writer
from domain.outcome import TITLE
from domain.refusal import NotFound

PATH = "/v1/outcomes"
ONE = f"{PATH}/{{outcome_id:str}}"

_UUID = re.compile(r"[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")


def checked_uuid(text: str) -> str:
    """In lower case. NotFound, since there is no outcome of another sort of id."""
    if not _UUID.fullmatch(text):
        raise NotFound(TITLE)
    return text.lower()


def path_uuid(request: HttpRequest) -> str:
    return checked_uuid(request.path_params["outcome_id"])


def routes(entrance: Entrance, writer: Writer, reader: OutcomesReader, *, batch_limit: int) -> list[HTTPRouteHandler]:
    """`batch_limit` in items."""

    @post(PATH, status_code=201)
    async def create(request: HttpRequest) -> Response[bytes]:
        actor = await entrance.admit(request, CreateOutcomes.name)
        sent = await batch.read(request, entrance, batch_limit, definitions.read)
        command = CreateOutcomes(actor=actor, request_id=request_id(request), definitions=sent.items)
        return await sent.answer(
            request, await writer.submit(command), lambda _, row: definitions.item(row), definitions.shown
        )

    @get(PATH)
    async def list_all(request: HttpRequest) -> Response[bytes]:
        actor = await entrance.admit(request, ListOutcomes.name)
        asked = Questions(request)
        query = ListOutcomes(
            actor=actor, brand_id=asked.text("brand_id"), metric_key=asked.text("metric_key"), slice=asked.slice()
        )
        page = await reader.outcomes(query)
        return json_response({"outcomes": list(map(definitions.item, page.rows)), "total": page.total}, 200)

    @get(ONE)
    async def get_one(request: HttpRequest) -> Response[bytes]:
        actor = await entrance.admit(request, ReadOutcome.name)
        outcome = await reader.outcome(ReadOutcome(actor=actor, outcome_id=path_uuid(request)))
        return json_response(definitions.item(outcome), 200)

    @patch(ONE, status_code=200)
    async def revise(request: HttpRequest) -> Response[bytes]:
        actor = await entrance.admit(request, ReviseOutcome.name)
        outcome_id = path_uuid(request)
        change = definitions.read_change(await entrance.sent(request, most=ITEM))
        command = ReviseOutcome(actor=actor, request_id=request_id(request), outcome_id=outcome_id, change=change)
        return json_response(definitions.item(only_state(await writer.submit(command), OutcomeRow)), 200)

    @post(f"{ONE}/entries", status_code=201)
    async def record(request: HttpRequest) -> Response[bytes]:
        actor = await entrance.admit(request, RecordEntries.name)
        outcome_id, now = path_uuid(request), datetime.now(UTC)
        sent = await batch.read(
            request, entrance, batch_limit, lambda members: entry_items.read(members, outcome_id, now)
        )
        command = RecordEntries(actor=actor, request_id=request_id(request), outcome_id=outcome_id, entries=sent.items)
        answer = await writer.submit(command)
        return await sent.answer(request, answer, entry_items.item, entry_items.item)

    @get(f"{ONE}/entries")
    async def list_entries(request: HttpRequest) -> Response[bytes]:
        actor = await entrance.admit(request, ListEntries.name)
        outcome_id, asked = path_uuid(request), Questions(request)
        query = ListEntries(
            actor=actor,
            outcome_id=outcome_id,
            subject_id=asked.text("subject_id"),
            period=asked.period(),
            slice=asked.slice(),
        )
        page = await reader.entries(query)
        entries = [entry_items.item_of_row(row, outcome_id) for row in page.rows]
        return json_response({"entries": entries, "total": page.total}, 200)

    return [create, list_all, get_one, revise, record, list_entries]
