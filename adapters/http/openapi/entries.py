"""Entries of outcomes in the OpenAPI document."""

from collections.abc import Iterator

from adapters.http.api.outcomes import ENTRIES
from adapters.http.openapi import outcomes
from adapters.http.openapi.operations import Answer, Operation, cut_of
from adapters.http.openapi.outcomes import BATCH, TAG, batch, batch_of
from adapters.http.openapi.requests import Body, Member, in_query, outcome_id, text
from adapters.http.schemas import entries
from adapters.http.schemas.entries import METADATA, EntryItem
from adapters.http.schemas.json_schema import (
    COUNT,
    TIME_IN,
    TIME_OUT,
    UUID,
    Json,
    array,
    closed,
    of_struct,
    pattern,
    ref,
)
from domain.refusal import (
    AlreadyRegistered,
    NotADecimal,
    NotAnObject,
    NotANumber,
    NotATime,
    NotText,
    TextTooLong,
    TooLarge,
    UnsafeText,
)

SENT: Json = {
    "subject_id": "anna",
    "brand_id": outcomes.SENT["brand_id"],
    "value": "30.40",
    "recorded_at": "2024-06-21T08:00:00.000Z",
    "metadata": {"arm": "a"},
}
EXAMPLE: Json = {"id": "01903f8e-a21f-7456-8000-0130a0800001", "outcome_id": outcomes.EXAMPLE["id"], **SENT}


def operations() -> Iterator[Operation]:
    path = "/v1/outcomes/{outcome_id}/entries"
    yield Operation(
        method="POST",
        path=path,
        id="record_entries",
        tag=TAG,
        summary="Record a value of an outcome, or an array of them",
        description=f"An outcome has one value per subject and instant. An outcome of another brand is 404. {BATCH}",
        action="record_entries",
        parameters=(outcome_id(),),
        body=Body(name="NewEntry", members=_members(), example=SENT, many=True),
        answers=(
            Answer(status=201, description="The entry that was recorded.", schema=ref("Entry"), example=EXAMPLE),
            batch("Entry", EXAMPLE, {"subject_id": "anna"}),
        ),
        refused=(AlreadyRegistered("Entry"),),
    )
    yield Operation(
        method="GET",
        path=path,
        id="list_entries",
        tag=TAG,
        summary="List the entries of an outcome",
        description="Ordered by `recorded_at`, the latest first.",
        action="list_entries",
        parameters=(outcome_id(), *in_query(*ENTRIES)),
        answers=(cut_of("EntryPage", {"entries": [EXAMPLE], "total": 1}, "A page of the entries."),),
    )


def _members() -> tuple[Member, ...]:
    value = pattern(
        r"-?(?!(?:\.?[0-9]){39})[0-9]+(?:\.[0-9]+)?",
        "At most 38 digits. It is stored as it was written.",
        maxLength=entries.VALUE,
    )
    recorded_at = text("recorded_at", least=0)
    return (
        text("subject_id", required=True),
        text("brand_id", required=True),
        Member(
            name="value",
            schema=value,
            required=True,
            refused=(
                NotText("value"),
                UnsafeText("value"),
                TextTooLong("value", entries.VALUE),
                NotADecimal("value", entries.DIGITS),
            ),
        ),
        Member(
            name="recorded_at",
            schema={**TIME_IN, "description": f"The time of the request by default. {TIME_IN['description']}"},
            refused=(*recorded_at.refused, NotATime("recorded_at")),
        ),
        Member(
            name="metadata",
            schema={
                "type": "object",
                "default": {},
                "maxProperties": METADATA["members"],
                "description": f"At most {METADATA['bytes']:,} bytes as sent, {METADATA['members']} members including "
                f"those of nested objects, and {METADATA['levels']} levels of objects and arrays.",
            },
            refused=(
                NotAnObject("metadata"),
                UnsafeText("metadata"),
                NotANumber("metadata"),
                *(TooLarge("metadata", most, unit) for unit, most in METADATA.items()),
            ),
        ),
    )


def schemas() -> dict[str, Json]:
    entry = of_struct(EntryItem, id=UUID, outcome_id=UUID, recorded_at=TIME_OUT, metadata={"type": "object"})
    return {
        "Entry": entry,
        "EntryBatch": batch_of("Entry"),
        "EntryPage": closed(entries=array(ref("Entry")), total=COUNT),
    }
