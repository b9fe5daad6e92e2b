"""Request bodies: reads the bytes of a body within its limits and its budget."""

from io import BytesIO

from litestar.types import Receive
from msgspec import Struct

from adapters.errors import Disconnected
from adapters.http.edge.byte_budget import Reservation
from adapters.http.schemas.json_values import opens_with
from domain.errors import GrowthringsError


class UnsupportedMediaType(GrowthringsError):
    """The content type or encoding is not that of plain JSON."""


class BodyTooLarge(GrowthringsError):
    """`limit`: the maximum number of bytes."""

    unit = "bytes"

    def __init__(self, limit: int) -> None:
        self.limit = limit


class Limit(Struct, frozen=True):
    """Maximum bytes of a body: of one item, and of an array, which begins with `[`."""

    one: int
    array: int


ACCOUNTS = 16 * 1024
"""Maximum bytes of logins, passwords and commands about accounts."""

ITEM = 256 * 1024
"""Maximum bytes of one group, outcome, measurement or entry."""

INDENT = 1_024
"""Bytes of white space within which the `[` of an array must come."""

STEP = 64 * 1024
"""Bytes reserved first for a body without Content-Length; the reservation doubles as the body grows."""


def check_type(content_type: str, content_encoding: str) -> None:
    """Raises UnsupportedMediaType for a body that is not JSON, or is compressed."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind not in ("", "application/json") and not (kind.startswith("application/") and kind.endswith("+json")):
        raise UnsupportedMediaType
    if content_encoding.strip().lower() not in ("", "identity"):
        raise UnsupportedMediaType


async def read(receive: Receive, limit: Limit, reservation: Reservation, content_length: str = "") -> bytes:
    """The bytes of a body, each of which is reserved before it is read.

    Raises BodyTooLarge, Disconnected, and Unavailable when the budget has no room.
    """
    announced = int(content_length) if content_length.isdecimal() else None
    if announced is not None:
        if announced > limit.array:
            raise BodyTooLarge(limit.array)
        reservation.resize(min(announced, limit.one))
    piece, more = await _piece(receive)
    if not more and len(piece) <= limit.one:
        reservation.resize(len(piece))
        return piece
    read = BytesIO()  # returns its bytes without a copy
    most: int | None = None
    while True:
        read.write(piece)
        size = read.tell()
        if most is None and (size > INDENT or not more):
            most = limit.array if _opens_array(read) else limit.one
        if most is not None and max(size, announced or 0) > most:
            raise BodyTooLarge(most)
        if not more:
            return read.getvalue()
        if announced is None:
            if size + STEP > reservation.size:
                reservation.resize(min(max(2 * reservation.size, size + STEP), most or limit.one))
        elif most is not None:
            reservation.resize(announced)
        piece, more = await _piece(receive)


async def _piece(receive: Receive) -> tuple[bytes, bool]:
    """The next bytes of the body, and whether more follow."""
    message = await receive()
    if message["type"] != "http.request":
        raise Disconnected
    return message["body"], message["more_body"]


def _opens_array(read: BytesIO) -> bool:
    return opens_with(bytes(read.getbuffer()[:INDENT]), b"[")
