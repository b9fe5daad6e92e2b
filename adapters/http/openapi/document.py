"""The OpenAPI document of everything that the service answers, put together from the tables of its families."""

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
Growthrings keeps measurements of children, and outcomes that a programme wants to move, as facts that are
never changed.

- JSON in and out, UTF-8. A body is read as JSON when there is no content type or a JSON one; else it is 415.
- Unknown members of a body are ignored. Text with U+0000 or a lone surrogate, and a number beyond a double's range, is
  a bad value of its member: 400. Numbers come back as the same double.
- Times go out in UTC with milliseconds. A date alone is its midnight in UTC.
- Ids of accounts and measurements are 24 hexadecimal characters, those of outcomes and entries UUIDs.
- What is absent is left out in answers about measurements and accounts, and `null` in those about outcomes.
- Whoever got a 201 sees it in every answer from then on; a view that is too far behind for that answers 503.
- Paths under `/v1/outcomes`, `/v1/correlations`, `/cohort` and `/patterns` refuse with a `Problem`, all others with a
  `Refusal`.
- An unknown path is 404; a method that a path does not have is 405, and `Allow` says which it has. Every path that
  answers GET answers HEAD, and every path OPTIONS.
- Every text of a body has a greatest length, which its schema says, and a number has 400 characters at most.
- A query parameter that an operation does not have is 400; so is one that is given twice where one is meant, and a
  `from` that is not before its `to`. `/health`, `/metrics`, `/docs` and this document ignore unknown parameters.
- A login, a password or a command about accounts has at most 16 KiB, one group, outcome, measurement or entry 256 KiB,
  an array of them 10,000 items and, as statistics, 16 MiB (both are settings). Beyond it is 413: nothing is stored.
- All bodies that are being read or decided have a budget (a setting), one client a quarter of it: beyond it is 503.
- Requests are counted per subject of a token, and per address without one: 429 says when to come again.
- `X-Request-Id` of a request (1 to 64 letters, digits, `.`, `_`, `-`) is kept, and else made; every answer has it.
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
    told: Json = {
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": "\n\n".join(filter(None, (operation.description, _who_may(operation.action)))),
        "security": _security(operation.action),
        "responses": dict(sorted((refusals.responses(operation) | answers).items())),
    }
    if operation.parameters:
        told["parameters"] = [_parameter(each) for each in operation.parameters]
    if operation.body is not None:
        told["requestBody"] = _body(operation.body)
    return told


def _who_may(action: str | None) -> str:
    if action is None:
        return "Who may: anyone, without a token."
    return "Who may: " + "; ".join(f"{role} ({whose.value})" for role, whose in MAY[action].items()) + "."


def _security(action: str | None) -> list[dict[str, list[str]]]:
    """Of a bearer's token the scopes that it must have."""
    if action is None:
        return []
    return [{"token": [scope for scope, scoped in SCOPES.items() if scoped == action]}]


def _parameter(parameter: Parameter) -> Json:
    told: Json = {
        "name": parameter.name,
        "in": parameter.place,
        "required": parameter.required,
        "description": parameter.description,
        "schema": parameter.schema,
    }
    return told if parameter.example is None else {**told, "example": parameter.example}


def _body(body: Body) -> Json:
    one = ref(body.name)
    examples: dict[str, Any] = {"one": {"value": body.example}}
    if body.many:
        examples["many"] = {"value": [body.example]}
    schema = {"oneOf": [one, array(one)]} if body.many else one
    return {"required": True, "content": {"application/json": {"schema": schema, "examples": examples}}}


def _answer(answer: Answer) -> Json:
    told: Json = {"description": answer.description, "headers": headers("X-Request-Id", *answer.headers)}
    if answer.schema is not None:
        example = {} if answer.example is None else {"example": answer.example}
        told["content"] = {answer.media_type: {"schema": answer.schema, **example}}
    if answer.links:
        told["links"] = {
            link.operation: {"operationId": link.operation, "parameters": link.parameters} for link in answer.links
        }
    return told
