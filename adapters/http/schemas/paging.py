"""Paging: page, limit, offset and cursor of a list. A cursor says where an answer that was too large was cut."""

import base64
import binascii
from datetime import datetime
from typing import Any

import msgspec

from adapters.http.schemas.json_schema import pattern
from adapters.http.schemas.query_parameters import LIMIT, LIMIT_MOST, OFFSET, PAGE, Declared, Parameter, ParameterValues
from application.queries.outcomes import Slice
from application.queries.query import Paging, Position

LENGTH = 16_384
"""Characters of a cursor, at most: it has what a row is sorted by."""

_decode = msgspec.json.Decoder(tuple[int, list[str | int | float]]).decode


def text_of(position: Position) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode((position.left, list(position.key)))).decode().rstrip("=")


def _position(cursor: str) -> Position | None:
    """None where it is none of ours."""
    try:
        left, key = _decode(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, msgspec.DecodeError, ValueError):
        return None
    if not 0 <= left <= LIMIT_MOST or any(isinstance(each, str) and "\0" in each for each in key):
        return None
    return Position(tuple(key), left)


AFTER: Parameter[Position | None] = Parameter(
    name="after",
    read=_position,
    expected="a cursor of a `Link`",
    schema=pattern("[A-Za-z0-9_-]+"),
    description="The cursor of the `Link` of an answer that was cut short: what is left of its page.",
    default=None,
    most=LENGTH,
)


def after(parameters: ParameterValues, *types: Any) -> Position | None:
    """The position that was handed back, of a list that is sorted by these types. BadFilter where it is another's."""
    position = parameters[AFTER]
    if position is None:
        return None
    try:
        key = msgspec.convert(position.key, tuple.__class_getitem__(types))
    except msgspec.ValidationError as error:
        raise AFTER.bad from error
    if any(isinstance(each, datetime) and each.tzinfo is None for each in key):
        raise AFTER.bad
    return Position(key, position.left)


PAGED: Declared = (PAGE, LIMIT, AFTER)
SLICED: Declared = (LIMIT, OFFSET, AFTER)


def paging(parameters: ParameterValues, *types: Any) -> Paging:
    """`types` of what the list is sorted by."""
    return Paging(parameters[PAGE], parameters[LIMIT], after(parameters, *types))


def sliced(parameters: ParameterValues, *types: Any) -> Slice:
    """The same of a list that is counted by rows."""
    return Slice(parameters[LIMIT], parameters[OFFSET], after(parameters, *types))
