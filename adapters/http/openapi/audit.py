"""The audit in the OpenAPI document: the audit trail, the facts of one aggregate, and its state as known at a time."""

from collections.abc import Iterator

from adapters.http.api.audit import EVENTS, FACTS
from adapters.http.api.audit import STATE as AS_KNOWN
from adapters.http.openapi.operations import Answer, Operation
from adapters.http.openapi.requests import Parameter, in_query
from adapters.http.schemas.json_schema import EXACT_TIME, Json, array, closed, or_null, pattern, ref, string
from domain.refusal import NotFound

TAG = "Audit"

ID = Parameter(
    name="id",
    place="path",
    schema=pattern(r"[^\u0000/]+"),
    description="The id that the API shows of a child, a measurement, an outcome, …",
    required=True,
    refused=(NotFound("Stream"),),
    example="5a62be07de34500146d9c544",
)

STREAM = "5a62be07d6f33400146c9b61/5a62be07de34500146d9c544"
_OF_ALL: Json = {
    "position": "17-4711",
    "version": 1,
    "event": "measurement.recorded.v1",
    "happened_at": "2019-06-20T14:40:00.000000Z",
    "recorded_at": "2024-06-20T14:40:01.123456Z",
    "actor": "5a62be07d6f33400146c9b5e",
    "role": "application",
    "request_id": "9c1f6e2b0d4a4b0f8a7c6d5e",
    "cause": "record_measurements",
}
EVENT: Json = {
    **_OF_ALL,
    "id": "5a62be07de34500146d9c544",
    "stream": STREAM,
    "subject": "5a62be07d6f33400146c9b61",
    "outcome": None,
}
VALUES: Json = {"kind": "weight", "value": 70.2, "unit": "kg"}
FACT: Json = {**_OF_ALL, "stream": STREAM, "data": VALUES, "state": VALUES}
STATE: Json = {
    "id": EVENT["id"],
    "stream": STREAM,
    "as_of": None,
    "known_at": "2024-06-21T00:00:00.000000Z",
    "version": 1,
    "state": VALUES,
}

NOTED = "The read itself is recorded as `audit.read.v1` before the response. Password hashes are blanked."


def operations() -> Iterator[Operation]:
    yield Operation(
        method="GET",
        path="/v1/audit/events",
        id="list_audit_events",
        tag=TAG,
        summary="List who did what, to whom, when and in which request",
        description="The values are left out. A page is ordered by the time of recording. Pass `next` as `after` to "
        "read on: no event is skipped or repeated, even while others are being recorded.",
        action="list_audit_events",
        parameters=in_query(*EVENTS),
        answers=(
            Answer(
                status=200,
                description="A page of events.",
                schema=ref("AuditPage"),
                example={"events": [EVENT], "next": "eyIxNyI6NDcxMX0"},
                headers=("Link",),
            ),
        ),
    )
    yield Operation(
        method="GET",
        path="/v1/audit/streams/{id}",
        id="read_stream",
        tag=TAG,
        summary="Read every fact of an aggregate, with its values and the state after it",
        description="Facts of other streams that change the aggregate are included: the removal of a child ends its "
        f"measurements and takes it out of groups and families. {NOTED}",
        action="read_stream",
        parameters=(ID, *in_query(*FACTS)),
        answers=(
            Answer(
                status=200,
                description="The facts, in the order of recording.",
                schema=ref("Stream"),
                example={"id": EVENT["id"], "stream": STREAM, "facts": [FACT]},
                headers=("Link",),
            ),
        ),
    )
    yield Operation(
        method="GET",
        path="/v1/audit/streams/{id}/state",
        id="read_state",
        tag=TAG,
        summary="Read the state of an aggregate at one time, as it was known at another",
        description=f"Repeating the request with the `known_at` of the response always gives the same state. {NOTED}",
        action="read_state",
        parameters=(ID, *in_query(*AS_KNOWN)),
        answers=(Answer(status=200, description="The state as it was known.", schema=ref("State"), example=STATE),),
    )


def schemas() -> dict[str, Json]:
    of_all: dict[str, Json] = {
        "position": pattern("[0-9]+-[0-9]+", "The partition, and the position in it."),
        "version": {"type": "integer", "minimum": 1},
        "event": string(),
        "happened_at": EXACT_TIME,
        "recorded_at": EXACT_TIME,
        "actor": string(),
        "role": string(),
        "request_id": string(),
        "cause": string("The command that caused the event."),
    }
    state = or_null({"type": "object"})
    return {
        "AuditEvent": closed(**of_all, id=string(), stream=string(), subject=string(), outcome=or_null(string())),
        "AuditPage": closed(events=array(ref("AuditEvent")), next=string("The cursor to pass as `after`.")),
        "Fact": closed(**of_all, stream=string(), data={"type": "object"}, state=state),
        "Stream": closed(id=string(), stream=string(), facts=array(ref("Fact"))),
        "State": closed(
            id=string(),
            stream=string(),
            as_of=or_null(EXACT_TIME),
            known_at=EXACT_TIME,
            version={"type": "integer", "minimum": 0},
            state=state,
        ),
    }
