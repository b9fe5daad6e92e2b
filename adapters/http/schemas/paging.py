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
"""Maximum characters of a cursor, which holds the sort key of a row."""

_decode = msgspec.json.Decoder(tuple[int, list[str | int | float]]).decode


def text_of(position: Position) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode((position.left, list(position.key)))).decode().rstrip("=")


def _position(cursor: str) -> Position | None:
    """None for a cursor that the service did not make."""
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
    description="The cursor from the `Link` of a response that was cut: reads the rest of its page.",
    default=None,
    most=LENGTH,
)


def after(parameters: ParameterValues, *types: Any) -> Position | None:
    """The position of the cursor, for a list with sort keys of these types. Raises BadFilter for another list's."""
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
    """`types`: of the list's sort keys."""
    return Paging(parameters[PAGE], parameters[LIMIT], after(parameters, *types))


def sliced(parameters: ParameterValues, *types: Any) -> Slice:
    """The paging of a list that counts by rows. `types`: of its sort keys."""
    return Slice(parameters[LIMIT], parameters[OFFSET], after(parameters, *types))
