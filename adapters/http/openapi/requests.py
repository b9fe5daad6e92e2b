"""What requests are made of, each with what is said of a bad one: parameters, bodies and their members."""

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
    """Of the path or the query. `refused`: what is said of a bad one."""

    name: str
    place: str
    schema: Json
    description: str = ""
    required: bool = False
    refused: Refusals = ()
    example: Any = None


class Member(Struct, frozen=True, kw_only=True):
    """Of a body. `refused`: what is said of a bad one."""

    name: str
    schema: Json
    required: bool = False
    refused: Refusals = ()


class Body(Struct, frozen=True, kw_only=True):
    """`name` is its schema's. Where `many`, an array of the same is taken as well. One of `either` must be there."""

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
    description = f"Of the {of}."
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
        description="Of the outcome.",
        required=True,
        refused=(NotFound("Outcome"),),
        example="01903a5c-9c9f-7123-8000-0130a0800000",
    )


def in_query(*declared: query_parameters.Parameter[Any]) -> tuple[Parameter, ...]:
    """Of the query, as its endpoint declares them; a bad one is refused by name."""
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
    """Text of so many characters, none of which is U+0000; at most as the table of lengths says."""
    most = lengths.of(name)
    facts: Json = {"minLength": least, "maxLength": most} if least else {"maxLength": most}
    refused: list[Refusal] = [NotText(name), UnsafeText(name), TextTooLong(name, most)]
    if least:
        refused.append(EmptyText(name))
    schema = pattern(r"[^\u0000]*", description, **facts)
    return Member(name=name, schema=schema, required=required, refused=tuple(refused))


def password(name: str) -> Member:
    """A password that is to be checked: one that nobody can have is wrong, and not refused for its length."""
    schema = pattern(r"[^\u0000]*")
    return Member(name=name, schema=schema, required=True, refused=(NotText(name), UnsafeText(name)))


def new_password(name: str) -> Member:
    """A password that is to be set."""
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
