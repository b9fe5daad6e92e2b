"""Outcomes in the OpenAPI document, and the batch responses that outcomes and entries share."""

from collections.abc import Iterator

from adapters.http.api.outcomes import LIST
from adapters.http.openapi.operations import Answer, Link, Operation, cut_of, ok
from adapters.http.openapi.requests import Body, in_query, one_of, outcome_id, text
from adapters.http.schemas.json_schema import COUNT, TIME_OUT, UUID, Json, array, choice, closed, of_struct, ref
from adapters.http.schemas.outcome_definitions import OutcomeItem
from domain.outcome import DIRECTIONS, HIGHER
from domain.refusal import (
    AlreadyRegistered,
)

TAG = "Outcomes"

SENT: Json = {"name": "Weight of pupils", "brand_id": "5a62be07d6f33400146c9b60", "metric_key": "weight", "unit": "kg"}
EXAMPLE: Json = {
    "id": "01903a5c-9c9f-7123-8000-0130a0800000",
    "description": None,
    "direction": HIGHER,
    "created_by": "5a62be07d6f33400146c9b5f",
    "created_at": "2024-06-20T14:40:00.000Z",
    "updated_at": "2024-06-20T14:40:00.000Z",
    **SENT,
}

DIRECTION = one_of("direction", DIRECTIONS, default=HIGHER)
BATCH = (
    "An array is answered with 207 and one result per item. Each item is decided alone; accepted items are stored "
    "together."
)


def operations() -> Iterator[Operation]:
    then = (
        Link("get_outcome", {"outcome_id": "$response.body#/id"}),
        Link("revise_outcome", {"outcome_id": "$response.body#/id"}),
        Link("record_entries", {"outcome_id": "$response.body#/id"}),
        Link("summarize_outcome", {"outcome_id": "$response.body#/id"}),
    )
    yield Operation(
        method="POST",
        path="/v1/outcomes",
        id="create_outcomes",
        tag=TAG,
        summary="Create an outcome, or an array of them",
        description=f"Metric and name together are unique within a brand. {BATCH}",
        action="create_outcomes",
        body=Body(
            name="NewOutcome",
            members=(
                text("name", required=True),
                text(
                    "brand_id",
                    required=True,
                    description="If it is the id of an institution, measurements of its children count for `weight` "
                    "and `body_fat`.",
                ),
                text("metric_key", required=True),
                text("description", least=0),
                text("unit", least=0, description="Only measurements with this unit count."),
                DIRECTION,
            ),
            example=SENT,
            many=True,
        ),
        answers=(
            Answer(
                status=201,
                description="The outcome that was created.",
                schema=ref("Outcome"),
                example=EXAMPLE,
                links=then,
            ),
            batch("Outcome", EXAMPLE, {"name": SENT["name"]}),
        ),
        refused=(AlreadyRegistered("Outcome"),),
    )
    yield Operation(
        method="GET",
        path="/v1/outcomes",
        id="list_outcomes",
        tag=TAG,
        summary="List the outcomes",
        description="The latest outcome comes first.",
        action="list_outcomes",
        parameters=in_query(*LIST),
        answers=(cut_of("OutcomePage", {"outcomes": [EXAMPLE], "total": 1}, "A page of the outcomes."),),
    )
    yield Operation(
        method="GET",
        path="/v1/outcomes/{outcome_id}",
        id="get_outcome",
        tag=TAG,
        summary="Read an outcome",
        action="read_outcome",
        parameters=(outcome_id(),),
        answers=(ok("Outcome", EXAMPLE, "The outcome."),),
    )
    yield Operation(
        method="PATCH",
        path="/v1/outcomes/{outcome_id}",
        id="revise_outcome",
        tag=TAG,
        summary="Change an outcome",
        description="Any of the members may be sent; `updated_at` becomes the time of the change.",
        action="revise_outcome",
        parameters=(outcome_id(),),
        body=Body(
            name="OutcomeChange",
            members=(
                text("name"),
                text("description", least=0),
                text("unit", least=0),
                one_of("direction", DIRECTIONS),
            ),
            example={"description": "Of all pupils"},
        ),
        answers=(ok("Outcome", EXAMPLE, "The outcome after the change."),),
        refused=(AlreadyRegistered("Outcome"),),
    )


def batch(name: str, accepted: Json, sent: Json) -> Answer:
    conflict = {"code": 409, "error": "conflict", "message": f"{name} is already registered...", "item": accepted}
    bad = {"code": 400, "error": "validation_error", "message": "brand_id are required!", "item": sent}
    return Answer(
        status=207,
        description="The result of every item of an array, in the order sent.",
        schema=ref(f"{name}Batch"),
        example={"success": [{"code": 201, "item": accepted}], "error": [conflict, bad]},
    )


def schemas() -> dict[str, Json]:
    outcome = of_struct(OutcomeItem, id=UUID, created_at=TIME_OUT, updated_at=TIME_OUT, direction=choice(*DIRECTIONS))
    return {
        "Outcome": outcome,
        "OutcomeBatch": batch_of("Outcome"),
        "OutcomePage": closed(outcomes=array(ref("Outcome")), total=COUNT),
    }


def batch_of(name: str) -> Json:
    refused = closed(
        code={"enum": [400, 404, 409, 500]},
        error=choice("validation_error", "not_found", "conflict", "internal_error"),
        message={"type": "string"},
        item={"description": "For a 409 what would have been stored, else the element as it was sent."},
    )
    return closed(success=array(closed(code={"const": 201}, item=ref(name))), error=array(refused))
