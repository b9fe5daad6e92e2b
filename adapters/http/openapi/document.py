"""The OpenAPI document of the whole API, made from the tables of its sections."""

from typing import Any

from adapters.http.openapi import (
    accounts,
    analytics,
    audit,
    entries,
    groups,
    measurements,
    outcomes,
    refusals,
    service,
    statistics,
    users,
)
from adapters.http.openapi.operations import Answer, Operation
from adapters.http.openapi.refusals import HEADERS, headers
from adapters.http.openapi.requests import Body, Parameter
from adapters.http.schemas.json_schema import Json, array, ref
from adapters.version import VERSION
from application.permissions import MAY, SCOPES

SECTIONS = (measurements, accounts, users, groups, outcomes, entries, analytics, statistics, audit, service)

DESCRIPTION = """\
Growthrings records measurements of children, and outcomes that a programme wants to improve, as facts that never
change.

- Requests and responses are JSON in UTF-8. A body may have no content type or a JSON one; any other is 415.
- Unknown members of a body are ignored. Text with U+0000 or a lone surrogate, and a number beyond the range of a
  double, are invalid values of their member: 400. Numbers are returned as the same double.
- Responses give times in UTC with milliseconds. A date alone means its midnight in UTC.
- Ids of accounts and measurements are 24 hexadecimal characters; ids of outcomes and entries are UUIDs.
- Absent members are left out of responses about measurements and accounts, and `null` in those about outcomes.
- A client that received a 201 sees the result in every later response. A view that is too far behind for that causes
  a 503.
- Errors of paths under `/v1/outcomes`, `/v1/correlations`, `/cohort` and `/patterns` are a `Problem`, all others a
  `Refusal`.
- An unknown path is 404. A method that a path does not support is 405, and `Allow` lists those that it supports. Every
  path with GET supports HEAD, and every path supports OPTIONS.
- Every text of a body has a maximum length, given in its schema. A number has at most 400 characters.
- An unknown query parameter is 400. So is one that is repeated although it may not be, and a `from` that is not before
  its `to`. `/health`, `/metrics`, `/docs` and this document ignore unknown parameters.
- A login, a password or a command about accounts has at most 16 KiB; one group, outcome, measurement or entry 256 KiB;
  an array 10,000 items. Arrays and statistics have at most 16 MiB. (Items and the 16 MiB are settings.) A larger body
  is 413, and nothing is stored.
- All bodies that the service holds at a time share a budget (a setting), of which one client may use a quarter. Beyond
  it the answer is 503.
- Requests are limited per subject of a token, and per address without one. 429 says when to try again.
- The `X-Request-Id` of a request (1 to 64 letters, digits, `.`, `_`, `-`) is used if it is valid; otherwise the service
  makes one. Every response has it.
"""


def document() -> Json:
    operations = [operation for section in SECTIONS for operation in section.operations()]
    paths: dict[str, Json] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    schemas = {name: schema for section in SECTIONS for name, schema in section.schemas().items()}
    bodies = {body.name: body.schema for body in (operation.body for operation in operations) if body is not None}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Growthrings", "version": VERSION, "description": DESCRIPTION},
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in dict.fromkeys(section.TAG for section in SECTIONS)],
        "paths": paths,
        "components": {
            "schemas": {**schemas, **bodies, **refusals.SCHEMAS},
            "responses": refusals.shared(),
            "headers": HEADERS,
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "The `access_token` of `/v1/auth`, or of another issuer that the service knows.",
                }
            },
        },
    }


def _operation(operation: Operation) -> Json:
    answers = {str(answer.status): _answer(answer) for answer in operation.answers}
    described: Json = {
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": "\n\n".join(filter(None, (operation.description, _describe_permission(operation.action)))),
        "security": _security(operation.action),
        "responses": dict(sorted((refusals.responses(operation) | answers).items())),
    }
    if operation.parameters:
        described["parameters"] = [_parameter(each) for each in operation.parameters]
    if operation.body is not None:
        described["requestBody"] = _body(operation.body)
    return described


def _describe_permission(action: str | None) -> str:
    if action is None:
        return "Allowed: anybody, without a token."
    return "Allowed: " + "; ".join(f"{role} ({whose.value})" for role, whose in MAY[action].items()) + "."


def _security(action: str | None) -> list[dict[str, list[str]]]:
    """The scopes that a token of another issuer must have."""
    if action is None:
        return []
    return [{"token": [scope for scope, scoped in SCOPES.items() if scoped == action]}]


def _parameter(parameter: Parameter) -> Json:
    described: Json = {
        "name": parameter.name,
        "in": parameter.place,
        "required": parameter.required,
        "description": parameter.description,
        "schema": parameter.schema,
    }
    return described if parameter.example is None else {**described, "example": parameter.example}


def _body(body: Body) -> Json:
    one = ref(body.name)
    examples: dict[str, Any] = {"one": {"value": body.example}}
    if body.many:
        examples["many"] = {"value": [body.example]}
    schema = {"oneOf": [one, array(one)]} if body.many else one
    return {"required": True, "content": {"application/json": {"schema": schema, "examples": examples}}}


def _answer(answer: Answer) -> Json:
    described: Json = {"description": answer.description, "headers": headers("X-Request-Id", *answer.headers)}
    if answer.schema is not None:
        example = {} if answer.example is None else {"example": answer.example}
        described["content"] = {answer.media_type: {"schema": answer.schema, **example}}
    if answer.links:
        described["links"] = {
            link.operation: {"operationId": link.operation, "parameters": link.parameters} for link in answer.links
        }
    return described
