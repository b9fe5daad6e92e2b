"""Outcomes and their entries over HTTP."""

from datetime import UTC, datetime

from litestar import Response, get, patch, post
from litestar.handlers import HTTPRouteHandler

from adapters.http.api import batch, lists
from adapters.http.edge.access import Access
from adapters.http.edge.command_results import accepted_state
from adapters.http.edge.request_body import ITEM
from adapters.http.edge.requests import HttpRequest, json_response, path_id, request_id
from adapters.http.schemas import entries, outcome_definitions, paging, query_parameters
from adapters.http.schemas.paging import SLICED
from adapters.http.schemas.query_parameters import FROM, SUBJECT, TO, Declared
from adapters.postgres.readers.outcomes import OutcomesReader
from application.commands.create_outcomes import CreateOutcomes
from application.commands.record_entries import RecordEntries
from application.commands.revise_outcome import ReviseOutcome
from application.queries.outcomes import ListEntries, ListOutcomes, OutcomeRow, ReadOutcome
from application.writer import Writer

PATH = "/v1/outcomes"
ONE = f"{PATH}/{{outcome_id:str}}"

BRAND_ID = query_parameters.text("brand_id", "Only outcomes of this brand.")
METRIC_KEY = query_parameters.text("metric_key", "Only outcomes with this metric.")

LIST: Declared = (BRAND_ID, METRIC_KEY, *SLICED)
ENTRIES: Declared = (SUBJECT, FROM, TO, *SLICED)
"""Query parameters of the lists."""


def routes(access: Access, writer: Writer, reader: OutcomesReader, *, batch_limit: int) -> list[HTTPRouteHandler]:
    """`batch_limit`: maximum items of an array."""

    @post(PATH, status_code=201)
    async def create(request: HttpRequest) -> Response[bytes]:
        actor = await access.authorize(request, CreateOutcomes.name)
        sent = await batch.read(request, access, batch_limit, outcome_definitions.read)
        command = CreateOutcomes(actor=actor, request_id=request_id(request), definitions=sent.items)
        return await sent.answer(
            request,
            await writer.submit(command),
            lambda _, row: outcome_definitions.item(row),
            outcome_definitions.render_rejected,
        )

    @get(PATH)
    async def list_all(request: HttpRequest) -> Response[bytes]:
        actor, parameters = await access.authorize_query(request, ListOutcomes.name, LIST)
        query = ListOutcomes(
            actor=actor,
            brand_id=parameters[BRAND_ID],
            metric_key=parameters[METRIC_KEY],
            slice=paging.sliced(parameters, str),
        )
        page = await reader.outcomes(query)
        return lists.named(request, page, "outcomes", outcome_definitions.item)

    @get(ONE)
    async def get_one(request: HttpRequest) -> Response[bytes]:
        actor = await access.authorize(request, ReadOutcome.name)
        outcome = await reader.outcome(ReadOutcome(actor=actor, outcome_id=path_id(request, "outcome_id")))
        return json_response(outcome_definitions.item(outcome), 200)

    @patch(ONE, status_code=200)
    async def revise(request: HttpRequest) -> Response[bytes]:
        actor = await access.authorize(request, ReviseOutcome.name)
        outcome_id = path_id(request, "outcome_id")
        change = outcome_definitions.read_change(await access.read_members(request, most=ITEM))
        command = ReviseOutcome(actor=actor, request_id=request_id(request), outcome_id=outcome_id, change=change)
        return json_response(outcome_definitions.item(accepted_state(await writer.submit(command), OutcomeRow)), 200)

    @post(f"{ONE}/entries", status_code=201)
    async def record(request: HttpRequest) -> Response[bytes]:
        actor = await access.authorize(request, RecordEntries.name)
        outcome_id, now = path_id(request, "outcome_id"), datetime.now(UTC)
        sent = await batch.read(request, access, batch_limit, lambda members: entries.read(members, outcome_id, now))
        command = RecordEntries(actor=actor, request_id=request_id(request), outcome_id=outcome_id, entries=sent.items)
        answer = await writer.submit(command)
        return await sent.answer(request, answer, entries.item, entries.item)

    @get(f"{ONE}/entries")
    async def list_entries(request: HttpRequest) -> Response[bytes]:
        actor, parameters = await access.authorize_query(request, ListEntries.name, ENTRIES)
        outcome_id = path_id(request, "outcome_id")
        query = ListEntries(
            actor=actor,
            outcome_id=outcome_id,
            subject_id=parameters[SUBJECT],
            period=parameters.period,
            slice=paging.sliced(parameters, datetime, str),
        )
        page = await reader.entries(query)
        return lists.named(request, page, "entries", lambda row: entries.item_of_row(row, outcome_id))

    return [create, list_all, get_one, revise, record, list_entries]
