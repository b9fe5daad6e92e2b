"""Operations of the API as tables: what each takes, how it answers, and which errors it may return."""

from typing import Any

from msgspec import Struct

from adapters.http.openapi.requests import Body, Parameter, Refusals
from adapters.http.schemas.json_schema import Json, array, ref


class Link(Struct, frozen=True):
    """A next operation, and where its parameters are found in this request or its response."""

    operation: str
    parameters: dict[str, str]


class Answer(Struct, frozen=True, kw_only=True):
    """A successful response. Without `schema` it has no body."""

    status: int
    description: str
    schema: Json | None = None
    example: Any = None
    headers: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()
    media_type: str = "application/json"


def ok(name: str, example: Any, description: str) -> Answer:
    """200 with the schema of that name."""
    return Answer(status=200, description=description, schema=ref(name), example=example)


def page_of(name: str, example: Json, description: str) -> Answer:
    """A page of a list, as a bare array."""
    schema, headers = array(ref(name)), ("X-Total-Count", "Link")
    return Answer(status=200, description=description, schema=schema, example=[example], headers=headers)


def cut_of(name: str, example: Any, description: str) -> Answer:
    """A page of a list, as an object."""
    return Answer(status=200, description=description, schema=ref(name), example=example, headers=("Link",))


REMOVED = Answer(status=204, description="Removed. Removing what does not exist has the same response.")


class Operation(Struct, frozen=True, kw_only=True):
    """`action`: its row in the table of permissions; None when no token is needed. `refused`: the errors of its own,
    besides those of its parameters and members and those of every operation."""

    method: str
    path: str
    id: str
    tag: str
    summary: str
    answers: tuple[Answer, ...]
    description: str = ""
    action: str | None = None
    parameters: tuple[Parameter, ...] = ()
    body: Body | None = None
    refused: Refusals = ()
