"""JSON values of a body that are still text, so that each member and each element can be refused on its own."""

import codecs
import json
import re
from typing import Any

import msgspec
from msgspec import Raw

from adapters.http.schemas import value_count
from domain.errors import GrowthringsError
from domain.refusal import NotText, TextTooLong, Unreadable, UnsafeText

_decode_list = msgspec.json.Decoder(list[Raw]).decode
_decode_object = msgspec.json.Decoder(dict[str, Raw]).decode
_decode_text = msgspec.json.Decoder(str).decode
_SPACES = re.compile(r"[ \t\n\r]*")
_BLANK = re.compile(rb"[ \t\n\r]*")

MEMBERS = 10_000
"""Maximum members of an object: no honest one has as many."""

ESCAPED = 12
"""Maximum bytes of one character in JSON: two escapes, for a character beyond 16 bits."""


UTF8_STEP = 64 * 1024
"""Bytes that are checked to be UTF-8 at a time: as text, a whole body may be four times as large."""


class BatchTooLarge(GrowthringsError):
    """`limit`: maximum items of an array, or members of an object."""

    unit = "items"

    def __init__(self, limit: int) -> None:
        self.limit = limit


class TooManyValues(BatchTooLarge):
    """`limit`: maximum numbers of an array."""

    unit = "values"


def members(text: bytes | Raw) -> dict[str, Raw]:
    """The members of an object, the last of each name. Raises Unreadable, or BatchTooLarge beyond MEMBERS."""
    if value_count.has_more_than(MEMBERS, text):
        raise BatchTooLarge(MEMBERS)
    try:
        found = _decode_object(_checked(text))
    except (msgspec.DecodeError, RecursionError):
        found = _Slices(text).members()
    if len(found) > MEMBERS:
        raise BatchTooLarge(MEMBERS)
    return found


def members_of(element: Raw) -> dict[str, Raw]:
    """The members of an array's element. An element that is not an object has none."""
    return members(element) if opens_with(element, b"{") else {}


def elements(text: bytes, limit: int | None = None) -> list[Raw]:
    """The elements of an array. Raises Unreadable, or BatchTooLarge beyond `limit`."""
    if limit is not None and value_count.has_more_than(limit, text):
        raise BatchTooLarge(limit)
    try:
        found = _decode_list(_checked(text))
    except (msgspec.DecodeError, RecursionError):
        found = _Slices(text).elements(limit)
    if limit is not None and len(found) > limit:
        raise BatchTooLarge(limit)
    return found


def opens_with(text: bytes | Raw, character: bytes) -> bool:
    """Whether the first character after white space is this one."""
    view = memoryview(text)
    blank = _BLANK.match(view)
    start = 0 if blank is None else blank.end()
    return view[start : start + 1] == character


def text_of(raw: Raw, member: str, most: int) -> str:
    """The text of a member, of at most `most` characters. Raises NotText, UnsafeText or TextTooLong."""
    if not opens_with(raw, b'"'):
        raise NotText(member)
    if cannot_be_within(most, raw):
        raise TextTooLong(member, most)
    try:
        text = _decode_text(raw)
    except msgspec.DecodeError as error:
        raise UnsafeText(member) from error
    if "\0" in text:
        raise UnsafeText(member)
    if len(text) > most:
        raise TextTooLong(member, most)
    return text


def cannot_be_within(most: int, raw: Raw) -> bool:
    """Whether the bytes alone show that a text has more than `most` characters."""
    return len(memoryview(raw)) > ESCAPED * most + 2


def _checked(text: bytes | Raw) -> bytes | Raw:
    """The text, checked to be UTF-8: msgspec does not check what it skips."""
    if isinstance(text, bytes):
        decoder = codecs.getincrementaldecoder("utf-8")()
        view = memoryview(text)
        try:
            for at in range(0, len(view), UTF8_STEP):
                decoder.decode(view[at : at + UTF8_STEP])
            decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            raise Unreadable from error
    return text


class _Slices:
    """Members and elements by the standard library. It is slower than msgspec, but reads lone surrogates, which make
    one member invalid and not the whole body unreadable."""

    def __init__(self, text: bytes | Raw) -> None:
        if value_count.may_hold_more_than(MEMBERS, text):
            raise Unreadable  # this parser would make all values, only to drop them
        try:
            self._text = bytes(text).decode()
        except UnicodeDecodeError as error:
            raise Unreadable from error
        self._decode = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=_refuse).raw_decode

    def members(self) -> dict[str, Raw]:
        found: dict[str, Raw] = {}
        at = self._expect(0, "{")
        if self._text[at : at + 1] == "}":
            self._end(at + 1)
            return found
        while True:
            self._expect(at, '"')
            name, at = self._scan(at)
            at = self._expect(at, ":")
            found[name], at = self._value(at)
            if self._text[at : at + 1] == "}":
                self._end(at + 1)
                return found
            at = self._expect(at, ",")

    def elements(self, limit: int | None) -> list[Raw]:
        """All elements; beyond the limit one more, which shows that there are too many."""
        found: list[Raw] = []
        at = self._expect(0, "[")
        if self._text[at : at + 1] == "]":
            self._end(at + 1)
            return found
        while True:
            value, at = self._value(at)
            found.append(value)
            if limit is not None and len(found) > limit:
                return found
            if self._text[at : at + 1] == "]":
                self._end(at + 1)
                return found
            at = self._expect(at, ",")

    def _value(self, at: int) -> tuple[Raw, int]:
        _, end = self._scan(at)
        return Raw(self._text[at:end].encode()), self._skip(end)

    def _scan(self, at: int) -> tuple[Any, int]:
        """The value that begins at `at`, and its end."""
        try:
            return self._decode(self._text, at)
        except (ValueError, RecursionError) as error:
            raise Unreadable from error

    def _expect(self, at: int, character: str) -> int:
        at = self._skip(at)
        if self._text[at : at + 1] != character:
            raise Unreadable
        return self._skip(at + 1) if character != '"' else at

    def _skip(self, at: int) -> int:
        found = _SPACES.match(self._text, at)
        return at if found is None else found.end()

    def _end(self, at: int) -> None:
        if self._skip(at) != len(self._text):
            raise Unreadable


def _refuse(constant: str) -> None:
    raise ValueError(constant)
