"""JSON Schemas that all API areas share: ids, times, texts and numbers, and schemas made from structs."""

from typing import Any

import msgspec
from msgspec import Struct

from adapters.http.schemas import lengths

Json = dict[str, Any]

_HEX = "[0-9a-fA-F]"
_YEAR = "(?:167[89]|16[89][0-9]|1[7-9][0-9]{2}|2[01][0-9]{2}|22[0-5][0-9]|226[01])"
DATE = f"{_YEAR}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
TIME = (
    rf"{DATE}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{{1,38}})?(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])?"
)
NUMBER = r"-?[0-9]{1,200}(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,2})?"
"""Patterns of input. They do not tell whether a date is in the calendar, or a number within a double."""


def pattern(text: str, description: str = "", **facts: Any) -> Json:
    """Text that matches the pattern as a whole."""
    return string(description, pattern=f"^(?:{text})$", **facts)


def string(description: str = "", **facts: Any) -> Json:
    return {"type": "string", **({"description": description} if description else {}), **facts}


def choice(*choices: str) -> Json:
    return {"type": "string", "enum": list(choices)}


def array(items: Json, **facts: Any) -> Json:
    return {"type": "array", "items": items, **facts}


def or_null(schema: Json) -> Json:
    return {"anyOf": [schema, {"type": "null"}]}


def ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def closed(optional: tuple[str, ...] = (), /, **members: Json) -> Json:
    """An object of a response: it has these members and no others, and all but the optional ones are required."""
    required = [name for name in members if name not in optional]
    return {"type": "object", "properties": members, "required": required, "additionalProperties": False}


def of_struct(struct: type[Struct], optional: tuple[str, ...] = (), /, **said: Json) -> Json:
    """The schema of a struct of a response. `said` adds to the schemas of members what their types leave open."""
    _, components = msgspec.json.schema_components(
        [struct], schema_hook=lambda _: {"description": "Any value."}, ref_template="#/components/schemas/{name}"
    )
    members = components[struct.__name__]["properties"]
    may_be_absent = {field.name for field in msgspec.structs.fields(struct) if not field.required}
    return closed(
        (*optional, *may_be_absent), **{name: {**schema, **said.get(name, {})} for name, schema in members.items()}
    )


ID = pattern("[0-9a-f]{24}", "Made by the server. Later ids are greater.")
PATH_ID = pattern(f"{_HEX}{{24}}", "Upper and lower case are accepted.")
UUID = string(
    "A UUID of version 7, in lower case.", format="uuid", pattern="^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
)
PATH_UUID = string("Anything else is 404.", format="uuid", pattern=f"^{_HEX}{{8}}(?:-{_HEX}{{4}}){{3}}-{_HEX}{{12}}$")

TIME_IN = pattern(
    TIME,
    "`YYYY-MM-DDTHH:MM:SS`, an optional fraction, stored to the millisecond, and an optional `Z` or `±hh:mm`; UTC "
    "by default. It must be a real date.",
    maxLength=lengths.of("timestamp"),
)
TIME_OUT = pattern(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z", "UTC, to the millisecond.")
EXACT_TIME = pattern(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z", "UTC, to the microsecond.")
INSTANT = pattern(f"{TIME}|{DATE}", "A time, or a date, which means its midnight in UTC.")

TEXT = pattern(r"[^\u0000]*", "Text without U+0000.")
COUNT = {"type": "integer", "minimum": 0}
SHARE = {"type": "number", "minimum": 0, "maximum": 1}
