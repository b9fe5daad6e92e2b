"""Measurements in the OpenAPI document: four operations for each kind."""

from collections.abc import Iterator

from adapters.http.openapi.operations import REMOVED, Answer, Link, Operation, ok, page_of
from adapters.http.openapi.requests import Body, Member, in_query, path_id, text
from adapters.http.schemas import filters, lengths
from adapters.http.schemas.json_schema import ID, TIME_IN, TIME_OUT, Json, array, closed, of_struct, pattern, ref
from adapters.http.schemas.readings import ITEM_TYPES
from adapters.refusal_messages import envelope
from domain.measurement import KINDS, Kind
from domain.refusal import (
    AlreadyRegistered,
    BadTimestamp,
    ChildNotRegistered,
    Negative,
    NotANumber,
    NotFound,
    TextTooLong,
)

TAG = "Measurements"

VALUE: Json = {
    "anyOf": [
        {"type": "number", "minimum": 0},
        pattern(r"[0-9]+(?:\.[0-9]+)?", "The number as text; it is stored as a number.", maxLength=lengths.NUMBER),
    ],
    "description": "A number from 0 up, within the range of a double.",
}

ORDER = """\
The first error that applies is returned: 401 for the token, 403 for its scope, 400 for ids of the path, 400 for the
body; 401 when the user was removed, 403 when a child names another child, 400 when the child is not registered, 403
when the user is not related to the child; then 400 for a bad `timestamp`, a bad `value`, a bad `unit`, missing members
and a bad companion value, in this order; last 409 for a duplicate.
"""

DUPLICATES = """\
A child has one measurement of a kind at an instant, to the millisecond: `15:00:00+01:00` and `14:00:00Z` are the same
instant. Of any number of equal requests exactly one is accepted. Removing a measurement frees its instant.
"""

COMPANION = """\
A {carrier} with `{member}` also records a {companion} at that instant, or revises the existing one. Both are stored, or
neither. Removing the {carrier} keeps the {companion}; removing the {companion} removes `{member}` from the {carrier}.
"""

BATCH = """\
An array is always answered with 207 and one result per item. Each item is decided alone; accepted items are stored
together. Of equal items the first is accepted. An element that is not an object counts as one without members.
"""

MANY = filters.too_many("value")


def operations() -> Iterator[Operation]:
    for kind in KINDS.values():
        yield from _operations_of(kind)


def schemas() -> dict[str, Json]:
    return {name: schema for kind in KINDS.values() for name, schema in _schemas_of(kind).items()}


def _name(kind: Kind) -> str:
    return kind.title.replace(" ", "")


def _operations_of(kind: Kind) -> Iterator[Operation]:
    name, child = _name(kind), path_id("child_id", "child")
    collection = f"/v1/children/{{child_id}}/{kind.path}"
    id_name = f"{kind.path.rstrip('s')}_id"
    one = f"{collection}/{{{id_name}}}"
    of_child = (ChildNotRegistered("5a62be07d6f33400146c9b61"),)
    known = {"child_id": "$request.path.child_id", id_name: "$response.body#/id"}
    then = (Link(f"get_{kind.name}", known), Link(f"remove_{kind.name}", known))
    single = (child, path_id(id_name, kind.title.lower()))
    yield Operation(
        method="POST",
        path=collection,
        id=f"record_{kind.name}",
        tag=TAG,
        summary=f"Record a {kind.title.lower()}, or an array of them",
        description="\n".join((DUPLICATES, *_companions(kind), BATCH, ORDER)),
        action="record_measurements",
        parameters=(child,),
        body=_body(kind),
        answers=(
            Answer(
                status=201,
                description=f"The {kind.title.lower()} that was recorded.",
                schema=ref(name),
                example=_example(kind),
                links=then,
            ),
            Answer(
                status=207,
                description="The result of every item of an array, in the order sent.",
                schema=ref(f"{name}Batch"),
                example=_batch_example(kind),
            ),
        ),
        refused=(*of_child, AlreadyRegistered(kind.title)),
    )
    yield Operation(
        method="GET",
        path=collection,
        id=f"list_{kind.name}",
        tag=TAG,
        summary=f"List the {kind.title.lower()}s of a child",
        description="The latest recorded comes first unless `sort` is given; it also breaks ties.",
        action="read_measurements",
        parameters=(child, *in_query(*filters.LIST)),
        answers=(page_of(name, _example(kind), f"A page of the child's {kind.title.lower()}s."),),
        refused=(*of_child, MANY),
    )
    yield Operation(
        method="GET",
        path=one,
        id=f"get_{kind.name}",
        tag=TAG,
        summary=f"Read a {kind.title.lower()} of a child",
        action="read_measurements",
        parameters=single,
        answers=(ok(name, _example(kind), f"The {kind.title.lower()}."),),
        refused=(*of_child, NotFound(kind.title)),
    )
    yield Operation(
        method="DELETE",
        path=one,
        id=f"remove_{kind.name}",
        tag=TAG,
        summary=f"Remove a {kind.title.lower()}",
        action="remove_measurement",
        parameters=single,
        answers=(REMOVED,),
        refused=of_child,
    )


def _companions(kind: Kind) -> Iterator[str]:
    """What happens to a kind together with its companion, or with the kind whose companion it is."""
    for carrier in KINDS.values():
        if carrier.companion is not None and kind.name in (carrier.name, carrier.companion):
            companion = KINDS[carrier.companion].title.lower()
            yield COMPANION.format(carrier=carrier.title.lower(), member=carrier.companion, companion=companion)


def _body(kind: Kind) -> Body:
    refused = (BadTimestamp("2019-02-30T08:00:00Z"), TextTooLong("timestamp", lengths.of("timestamp")))
    timestamp = Member(name="timestamp", schema=TIME_IN, required=True, refused=refused)
    members = [timestamp, _value("value", required=True)]
    example: Json = {"timestamp": "2019-06-20T14:40:00.000Z", "value": 70.2}
    if kind.unit is None:
        members.append(text("unit", required=True))
        example["unit"] = "kg"
    if kind.companion is not None:
        members.append(_value(kind.companion))
        example[kind.companion] = 20.1
    return Body(name=f"New{_name(kind)}", members=tuple(members), example=example, many=True)


def _value(name: str, *, required: bool = False) -> Member:
    return Member(name=name, schema=VALUE, required=required, refused=(Negative(name), NotANumber(name)))


def _schemas_of(kind: Kind) -> dict[str, Json]:
    name = _name(kind)
    number: Json = {"minimum": 0}
    companion = {} if kind.companion is None else {kind.companion: number}
    whole = of_struct(ITEM_TYPES[kind.name], id=ID, timestamp=TIME_OUT, value=number, child_id=ID, **companion)
    if kind.unit is not None:
        whole["properties"]["unit"] = {"const": kind.unit}
    accepted = closed(code={"const": 201}, item=ref(name))
    refused = closed(
        ("description",),
        code={"enum": [400, 409, 500]},
        message={"type": "string"},
        description={"type": "string"},
        item={"description": "For a 409 what would have been stored, without `id`, else the element as it was sent."},
    )
    return {name: whole, f"{name}Batch": closed(success=array(accepted), error=array(refused))}


def _example(kind: Kind) -> Json:
    example: Json = {
        "id": "5a62be07de34500146d9c544",
        "timestamp": "2019-06-20T14:40:00.000Z",
        "value": 70.2 if kind.unit is None else 20.1,
        "unit": kind.unit or "kg",
        "child_id": "5a62be07d6f33400146c9b61",
    }
    return example if kind.companion is None else {**example, kind.companion: 20.1}


def _batch_example(kind: Kind) -> Json:
    stored = {member: value for member, value in _example(kind).items() if member != "id"}
    bad = {"timestamp": "2019-06-21", "value": 70.2}
    return {
        "success": [{"code": 201, "item": _example(kind)}],
        "error": [_error(AlreadyRegistered(kind.title), stored), _error(BadTimestamp("2019-06-21"), bad)],
    }


def _error(refused: AlreadyRegistered | BadTimestamp, item: Json) -> Json:
    rejection = envelope(refused, "")
    description = {} if isinstance(refused, AlreadyRegistered) else {"description": rejection.description}
    return {"code": rejection.code, "message": rejection.message, **description, "item": item}
