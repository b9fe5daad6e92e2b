"""Operations as facts: what one takes, what it answers and how it refuses, each said once."""

from typing import Any

from msgspec import Struct

from adapters.http.openapi.requests import Body, Parameter, Refusals
from adapters.http.schemas.json_schema import Json, array, ref


class Link(Struct, frozen=True):
    """What can be done next: the operation, and where in this request or answer its parameters are."""

    operation: str
    parameters: dict[str, str]


class Answer(Struct, frozen=True, kw_only=True):
    """How a request is answered that is not refused. Without `schema` there is no body."""

    status: int
    description: str
    schema: Json | None = None
    example: Any = None
    headers: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()
    media_type: str = "application/json"


def ok(name: str, example: Any, description: str = "It.") -> Answer:
    """200, with what is called so."""
    return Answer(status=200, description=description, schema=ref(name), example=example)


def page_of(name: str, example: Json) -> Answer:
    """A page of a list, as a bare array."""
    schema, headers = array(ref(name)), ("X-Total-Count", "Link")
    return Answer(status=200, description="A page of them.", schema=schema, example=[example], headers=headers)


def cut_of(name: str, example: Any) -> Answer:
    """A page of a list, as an object, which may have been cut short."""
    return Answer(status=200, description="A page of them.", schema=ref(name), example=example, headers=("Link",))


REMOVED = Answer(status=204, description="It is not there any more. The same answer where it never was.")


class Operation(Struct, frozen=True, kw_only=True):
    """`action`: its row in the table of permissions; None where no token is asked for. `refused`: besides what
    parameters and members are refused with, and what every operation may answer."""

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
