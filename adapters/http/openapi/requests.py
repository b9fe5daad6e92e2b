"""Parts of requests in the OpenAPI document, each with its errors: parameters, bodies and members of bodies."""

from typing import Any

from msgspec import Struct

from adapters.http.schemas import lengths, query_parameters
from adapters.http.schemas.json_schema import PATH_ID, PATH_UUID, Json, pattern, string
from domain.password import LONGEST, SHORTEST
from domain.refusal import (
    BadParameter,
    EmptyText,
    GivenTwice,
    MembersMissing,
    NotANumber,
    NotFound,
    NotOneOf,
    NotText,
    PasswordTooLong,
    PasswordTooShort,
    Refusal,
    TextTooLong,
    UnsafeText,
)

Refusals = tuple[Exception, ...]


class Parameter(Struct, frozen=True, kw_only=True):
    """A parameter of the path or the query. `refused`: the errors that a bad value has."""

    name: str
    place: str
    schema: Json
    description: str = ""
    required: bool = False
    refused: Refusals = ()
    example: Any = None


class Member(Struct, frozen=True, kw_only=True):
    """A member of a body. `refused`: the errors that a bad value has."""

    name: str
    schema: Json
    required: bool = False
    refused: Refusals = ()


class Body(Struct, frozen=True, kw_only=True):
    """`name`: of its schema. `many`: an array of such bodies is accepted, too. One member of `either` is required."""

    name: str
    members: tuple[Member, ...]
    example: Json
    many: bool = False
    either: tuple[str, ...] = ()

    @property
    def required(self) -> tuple[str, ...]:
        return tuple(member.name for member in self.members if member.required)

    @property
    def refused(self) -> Refusals:
        missing = (MembersMissing((*self.required, *self.either[:1])),) if self.required else ()
        return (*missing, *(refusal for member in self.members for refusal in member.refused))

    @property
    def schema(self) -> Json:
        properties = {member.name: member.schema for member in self.members}
        required = {"required": self.required} if self.required else {}
        either = {"anyOf": [{"required": [name]} for name in self.either]} if self.either else {}
        return {"type": "object", "properties": properties, **required, **either}


# Parameters


def path_id(name: str, of: str) -> Parameter:
    description = f"The id of the {of}."
    return Parameter(
        name=name,
        place="path",
        schema=PATH_ID,
        description=description,
        required=True,
        refused=(BadParameter(name),),
        example="5a62be07d6f33400146c9b61",
    )


def outcome_id() -> Parameter:
    return Parameter(
        name="outcome_id",
        place="path",
        schema=PATH_UUID,
        description="The id of the outcome.",
        required=True,
        refused=(NotFound("Outcome"),),
        example="01903a5c-9c9f-7123-8000-0130a0800000",
    )


def in_query(*declared: query_parameters.Parameter[Any]) -> tuple[Parameter, ...]:
    """The query parameters that an endpoint declares, as the document describes them."""
    return tuple(map(_query_parameter, declared))


def _query_parameter(declared: query_parameters.Parameter[Any]) -> Parameter:
    twice = () if declared.repeated else (GivenTwice(declared.name),)
    return Parameter(
        name=declared.name,
        place="query",
        schema=declared.schema,
        description=declared.description,
        required=declared.required,
        refused=(declared.bad, TextTooLong(declared.name, declared.most), *twice),
        example=declared.example,
    )


# Members


def text(name: str, *, least: int = 1, required: bool = False, description: str = "") -> Member:
    """Text without U+0000, of at least so many characters; `lengths` has the maximum."""
    most = lengths.of(name)
    facts: Json = {"minLength": least, "maxLength": most} if least else {"maxLength": most}
    refused: list[Refusal] = [NotText(name), UnsafeText(name), TextTooLong(name, most)]
    if least:
        refused.append(EmptyText(name))
    schema = pattern(r"[^\u0000]*", description, **facts)
    return Member(name=name, schema=schema, required=required, refused=tuple(refused))


def password(name: str) -> Member:
    """A password to verify. Any length is accepted: one that no user can have is simply wrong."""
    schema = pattern(r"[^\u0000]*")
    return Member(name=name, schema=schema, required=True, refused=(NotText(name), UnsafeText(name)))


def new_password(name: str) -> Member:
    """A password to set."""
    refused = (NotText(name), UnsafeText(name), PasswordTooShort(name, SHORTEST), PasswordTooLong(name, LONGEST))
    said = f"At least {SHORTEST} characters and at most {LONGEST:,} bytes, in Unicode NFC."
    schema = pattern(r"[^\u0000]*", said, minLength=SHORTEST, maxLength=LONGEST)
    return Member(name=name, schema=schema, required=True, refused=refused)


def one_of(name: str, choices: tuple[str, ...], *, required: bool = False, **facts: Any) -> Member:
    refused = (*text(name).refused, NotOneOf(name, choices))
    return Member(name=name, schema=string(enum=list(choices), **facts), required=required, refused=refused)


def number(name: str, description: str = "", *, refused: Refusals = (), **facts: Any) -> Member:
    schema = {"type": "number", **({"description": description} if description else {}), **facts}
    return Member(name=name, schema=schema, refused=(NotANumber(name), *refused))
