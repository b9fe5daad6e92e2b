"""Query parameters: each is declared once, and the declaration drives both the parser and the OpenAPI document."""

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qsl

from msgspec import UNSET, Struct, UnsetType

from adapters import times
from adapters.http.schemas import lengths
from adapters.http.schemas.json_schema import INSTANT, Json, pattern, string
from application.queries.outcomes import Period
from domain.refusal import BadFilter, EmptyRange, GivenTwice, TextTooLong, UnknownParameter

T = TypeVar("T")

_WHOLE = re.compile(r"[0-9]{1,18}")

LIMIT_MOST = 1_000
"""Maximum items of a page."""

LAST = 10**18 - 1
"""The greatest page number and offset."""


class Parameter(Struct, Generic[T], frozen=True, kw_only=True, eq=False):
    """`read` returns None, or raises a Refusal, for a text that is not `expected`; the error quotes `expected`.

    A parameter without `default` is required. One that may be `repeated` has a list of values. `most`: maximum
    characters.
    """

    name: str
    read: Callable[[str], T | None]
    expected: str
    schema: Json
    description: str
    default: T | UnsetType = UNSET
    repeated: bool = False
    most: int = lengths.TEXT
    example: Any = None

    @property
    def required(self) -> bool:
        return self.default is UNSET and not self.repeated

    @property
    def bad(self) -> BadFilter:
        return BadFilter(self.name, self.expected)

    def value(self, text: str) -> T:
        """The value of a text. Raises TextTooLong or BadFilter."""
        if len(text) > self.most:
            raise TextTooLong(self.name, self.most)
        value = None if "\0" in text else self.read(text)
        if value is None:
            raise self.bad
        return value


Declared = tuple[Parameter[Any], ...]
"""All parameters of an endpoint."""

RANGES = (("from", "to"),)
"""Pairs of parameters that bound a range: the first must be less than the second."""


class ParameterValues(Struct, frozen=True):
    """The values of the parameters that an endpoint declares."""

    values: dict[str, list[Any]]

    def __getitem__(self, parameter: Parameter[T]) -> T:
        """The value, or the default."""
        # Only a required parameter has UNSET as its default, and a request without it was refused.
        value: T = self.values[parameter.name][0] if parameter.name in self.values else parameter.default  # type: ignore[assignment]
        return value

    def all(self, parameter: Parameter[T]) -> list[T]:
        """Every value, in the order sent."""
        return self.values.get(parameter.name, [])

    @property
    def period(self) -> Period:
        return Period(self[FROM], self[TO])


def pairs(query_string: bytes) -> list[tuple[str, str]]:
    """The parameters of a query, in the order sent."""
    return parse_qsl(query_string.decode("latin-1"), keep_blank_values=True)


def read(sent: Iterable[tuple[str, str]], declared: Declared) -> ParameterValues:
    """The values of the declared parameters.

    Raises UnknownParameter, GivenTwice, TextTooLong or BadFilter for the first invalid one, then BadFilter for a
    missing one, then EmptyRange.
    """
    known = {parameter.name: parameter for parameter in declared}
    values: dict[str, list[Any]] = {}
    for name, text in sent:
        parameter = known.get(name)
        if parameter is None:
            raise UnknownParameter(_shortened(name))
        if name in values and not parameter.repeated:
            raise GivenTwice(name)
        values.setdefault(name, []).append(parameter.value(text))
    for parameter in declared:
        if parameter.required and parameter.name not in values:
            raise parameter.bad
    for start, end in RANGES:
        if start in values and end in values and values[start] >= values[end]:
            raise EmptyRange(start, end)
    return ParameterValues(values)


# What parameters are made of

TIME_OR_DATE = "a time in the format yyyy-MM-ddTHH:mm:ssZ, or a date"


def whole(name: str, least: int, most: int, default: int, description: str) -> Parameter[int]:
    def read(text: str) -> int | None:
        return int(text) if _WHOLE.fullmatch(text) and least <= int(text) <= most else None

    return Parameter(
        name=name,
        read=read,
        expected=f"a whole number from {least} to {most}",
        schema={"type": "integer", "minimum": least, "maximum": most, "default": default},
        description=description,
        default=default,
    )


def choice(name: str, choices: tuple[str, ...], description: str) -> Parameter[str]:
    return Parameter(
        name=name,
        read=lambda text: text if text in choices else None,
        expected=f"{', '.join(choices[:-1])} or {choices[-1]}",
        schema=string(enum=list(choices)),
        description=description,
    )


def text(name: str, description: str, *, example: str | None = None) -> Parameter[str | None]:
    return Parameter(
        name=name,
        read=lambda text: text,
        expected="a text without U+0000",
        schema=pattern(r"[^\u0000]*", maxLength=lengths.TEXT),
        description=description,
        default=None,
        example=example,
    )


def instant(
    name: str,
    description: str,
    *,
    read: Callable[[str], datetime | None] | None = None,
    expected: str = TIME_OR_DATE,
    example: str | None = None,
) -> Parameter[datetime | None]:
    return Parameter(
        name=name,
        read=read or times.parse_time_or_date,
        expected=expected,
        schema=INSTANT,
        description=description,
        default=None,
        example=example,
    )


def _shortened(name: str) -> str:
    return name if len(name) <= lengths.TEXT else f"{name[: lengths.TEXT]}…"


# Parameters of many endpoints

PAGE = whole("page", 1, LAST, 1, "The first page is 1.")
LIMIT = whole("limit", 1, LIMIT_MOST, 100, "Maximum items of the page.")
OFFSET = whole("offset", 0, LAST, 0, "Items to skip.")
FROM = instant("from", "Inclusive.", example="2024-06-01")
TO = instant("to", "Exclusive.", example="2024-07-01")
SUBJECT = text("subject_id", "Only entries of this subject.")
