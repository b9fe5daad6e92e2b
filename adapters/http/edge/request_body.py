"""Request bodies: reads the bytes of a body within its limits and its budget."""

from io import BytesIO

from litestar.types import Receive
from msgspec import Struct

from adapters.http.edge.byte_budget import Reservation
from adapters.http.schemas.json_values import opens_with


class UnsupportedMediaType(Exception):
    """The body says that it is something else than JSON."""


class BodyTooLarge(Exception):
    """`limit`: bytes of a body, at most."""

    unit = "bytes"

    def __init__(self, limit: int) -> None:
        self.limit = limit


class Disconnected(Exception):
    """The client left before its body was here; nobody will read an answer."""


class Limit(Struct, frozen=True):
    """Bytes of a body, at most: of one thing, and of an array of them, which is what begins with `[`."""

    one: int
    array: int


ACCOUNTS = 16 * 1024
"""Bytes of logins, passwords and commands about accounts."""

ITEM = 256 * 1024
"""Bytes of one group, outcome, measurement or entry."""

INDENT = 1_024
"""Bytes of white space before the first byte that counts, at most, for a body to be an array."""

STEP = 64 * 1024
"""Bytes reserved at first for a body that does not say its size; then twice as many, and so on."""


def check_type(content_type: str, content_encoding: str) -> None:
    """UnsupportedMediaType where a body is not JSON, or is packed."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind not in ("", "application/json") and not (kind.startswith("application/") and kind.endswith("+json")):
        raise UnsupportedMediaType
    if content_encoding.strip().lower() not in ("", "identity"):
        raise UnsupportedMediaType


async def read(receive: Receive, limit: Limit, reservation: Reservation, content_length: str = "") -> bytes:
    """The bytes of a body. BodyTooLarge; Disconnected; Unavailable where there is no room for it now: all of its bytes
    are reserved before they are read."""
    announced = int(content_length) if content_length.isdecimal() else None
    if announced is not None:
        if announced > limit.array:
            raise BodyTooLarge(limit.array)
        reservation.resize(min(announced, limit.one))
    piece, more = await _piece(receive)
    if not more and len(piece) <= limit.one:
        reservation.resize(len(piece))
        return piece
    read = BytesIO()  # its bytes are handed out without a copy
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
    """The next bytes of a body, and whether more will come."""
    message = await receive()
    if message["type"] != "http.request":
        raise Disconnected
    return message["body"], message["more_body"]


def _opens_array(read: BytesIO) -> bool:
    return opens_with(bytes(read.getbuffer()[:INDENT]), b"[")
