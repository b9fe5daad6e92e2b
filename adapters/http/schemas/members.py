"""Members of a body: parses each as the type that it must have. A Refusal names the member."""

import math
import re
import sys
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import TypeVar

import msgspec
from msgspec import Raw, Struct

from adapters import times
from adapters.http.schemas import json_values, lengths
from domain import password
from domain.password import canonical
from domain.refusal import (
    EmptyText,
    MembersMissing,
    NotADate,
    NotAList,
    NotANumber,
    NotNumbers,
    NotOneOf,
    NotPositive,
    Refusal,
    TextTooLong,
)

C = TypeVar("C", bound=str)

DECOMPOSED = 4
"""Maximum code points of one character in a name, before it is composed to NFC."""

IDS = 10_000
"""Maximum ids of one array."""

_DIGITS = re.compile(r"[0-9]+(\.[0-9]+)?")

_decode_numbers = msgspec.json.Decoder(list[float]).decode


Required = tuple[str | tuple[str, ...], ...]
"""Names of required members. Of a tuple one is required; an error names the first."""


def read(sent: Mapping[str, Raw], required: Required) -> "Members":
    """The members of a body. Raises MembersMissing with the missing names, in the order of `required`."""
    alternatives = ((each,) if isinstance(each, str) else each for each in required)
    missing = tuple(names[0] for names in alternatives if sent.keys().isdisjoint(names))
    if missing:
        raise MembersMissing(missing)
    return Members(sent)


class Members(Struct, frozen=True):
    sent: Mapping[str, Raw]

    def __contains__(self, name: str) -> bool:
        return name in self.sent

    def size(self, name: str) -> int:
        """Bytes of a member, as it was sent."""
        return len(memoryview(self.sent[name]))

    def text(self, name: str, *, least: int = 1, most: int | None = None) -> str:
        """Text of at least `least` and at most `most` characters; by default the maximum of `lengths`."""
        text = json_values.text_of(self.sent[name], name, lengths.of(name) if most is None else most)
        if len(text) < least:
            raise EmptyText(name)
        return text

    def username(self, *, least: int = 1) -> str:
        """A user name as sent. Its length counts in Unicode NFC, where it may be shorter."""
        most = lengths.of("username")
        try:
            sent = self.text("username", least=least, most=DECOMPOSED * most)
        except TextTooLong as error:
            raise TextTooLong("username", most) from error
        if len(canonical(sent)) > most:
            raise TextTooLong("username", most)
        return sent

    def password(self, name: str) -> str:
        """A password to verify, of any length."""
        return self.text(name, least=0, most=sys.maxsize)

    def new_password(self, name: str) -> str:
        """A password to set, in Unicode NFC."""
        return password.check(self.password(name), name)

    def optional_text(self, name: str) -> str | None:
        return self.text(name, least=0) if name in self.sent else None

    def text_or_null(self, name: str) -> str | None:
        return None if bytes(self.sent[name]) == b"null" else self.text(name, least=0)

    def optional_number(self, name: str) -> float | None:
        return self._number(name) if name in self.sent else None

    def _number(self, name: str) -> float:
        text = bytes(self.sent[name]).decode()
        number = float(text) if text[0] in "-0123456789" and len(text) <= lengths.NUMBER else math.nan
        if not math.isfinite(number):
            raise NotANumber(name)
        return number

    def choice(self, name: str, choices: tuple[C, ...]) -> C:
        text = self.text(name)
        for choice in choices:
            if choice == text:
                return choice
        raise NotOneOf(name, choices)

    def positive(self, name: str) -> str:
        """A number above 0, sent as a number or as digits, as text without an exponent. Raises NotPositive."""
        raw = self.sent[name]
        try:
            if not json_values.opens_with(raw, b'"'):
                number = self._number(name)
                text = format(Decimal(repr(number)).normalize(), "f")
            else:
                text = json_values.text_of(raw, name, lengths.NUMBER)
                number = float(text) if _DIGITS.fullmatch(text) else math.nan
        except Refusal as refusal:
            raise NotPositive(name) from refusal
        if not 0 < number < math.inf:
            raise NotPositive(name)
        return text

    def day(self, name: str, may_be: Callable[[date], bool], expected: str) -> str:
        """A date that satisfies `may_be`. Raises NotADate with `expected`."""
        text = self.text(name, least=0)
        found = times.parse_date(text)
        if found is None or not may_be(found):
            raise NotADate(name, expected)
        return text

    def numbers(self, name: str, most: int) -> list[float]:
        """An array of at most `most` doubles. Raises TooManyValues before it makes any."""
        if bytes(self.sent[name]).count(b",") >= most:
            raise json_values.TooManyValues(most)
        try:
            numbers = _decode_numbers(self.sent[name])
        except (msgspec.DecodeError, RecursionError) as error:
            raise NotNumbers(name) from error
        if not all(map(math.isfinite, numbers)):
            raise NotNumbers(name)
        return numbers

    def number(self, name: str, default: float) -> float:
        return self._number(name) if name in self.sent else default

    def whole(self, name: str, default: int) -> int:
        """A whole number, which may be written as `3.0`."""
        number = self.number(name, float(default))
        if not number.is_integer():
            raise NotANumber(name)
        return int(number)

    def ids(self, name: str) -> tuple[str, ...]:
        """An array of ids, or of objects with an `id`, without duplicates, in the order sent. Raises BatchTooLarge."""
        if not json_values.opens_with(self.sent[name], b"["):
            raise NotAList(name)
        ids = []
        for element in json_values.elements(bytes(self.sent[name]), IDS):
            raw = json_values.members_of(element).get("id", element)
            try:
                ids.append(json_values.text_of(raw, name, lengths.ID).lower())
            except Refusal as refusal:
                raise NotAList(name) from refusal
        return tuple(dict.fromkeys(ids))
