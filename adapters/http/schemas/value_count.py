"""Tells whether JSON text holds more values than a limit, without making them: millions would take seconds and a
gigabyte."""

import re

import msgspec
from msgspec import Raw

COMMAS = 16
"""Commas per allowed value; text with fewer is parsed quickly, whatever it holds."""

_decode = msgspec.json.Decoder(Raw).decode
_FOLLOWED = re.compile(r"JSON is malformed: trailing characters \(byte (\d+)\)")
"""The msgspec error for a value with trailing characters; its number is the offset of the first of them plus one."""


def has_more_than(most: int, text: bytes | Raw) -> bool:
    """Whether an array or object has more than `most` elements or members. Short text is not counted: False.

    Malformed text is left to the parser: False.
    """
    if not may_hold_more_than(most, text):
        return False
    opened = bytes(text).lstrip()
    values = 2 * most if opened[:1] == b"{" else most  # names count as values
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
    """Whether the text has so many commas that parsing it may take long."""
    return len(memoryview(text)) > COMMAS * most and bytes(text).count(b",") > COMMAS * most
