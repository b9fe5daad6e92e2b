"""Whether JSON text holds more values than it may, told without making them: millions would take seconds, and a
gigabyte."""

import re

import msgspec
from msgspec import Raw

COMMAS = 16
"""For each value that may be there; text with fewer is short work, whatever it holds."""

_decode = msgspec.json.Decoder(Raw).decode
_FOLLOWED = re.compile(r"JSON is malformed: trailing characters \(byte (\d+)\)")
"""What msgspec says of a value that something follows; the number counts the bytes up to that, and the first of it."""


def has_more_than(most: int, text: bytes | Raw) -> bool:
    """Whether an array has more than so many elements, or an object more members, where it is long enough for that to
    matter. What cannot be read is left to who reads it."""
    if not may_hold_more_than(most, text):
        return False
    opened = bytes(text).lstrip()
    values = 2 * most if opened[:1] == b"{" else most  # a name is a value, too
    view = memoryview(opened)[1:]
    for _ in range(values):
        try:
            _decode(view)
        except (msgspec.DecodeError, RecursionError) as error:
            followed = _FOLLOWED.fullmatch(str(error))
            if followed is None:
                return False
            end = int(followed[1])
            if view[end - 1] not in b",:":
                return False
            view = view[end:]
        else:
            return False
    return True


def may_hold_more_than(most: int, text: bytes | Raw) -> bool:
    """Whether there are so many commas in it that it may be long work."""
    return len(memoryview(text)) > COMMAS * most and bytes(text).count(b",") > COMMAS * most
