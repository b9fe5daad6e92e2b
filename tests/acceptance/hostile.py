"""Values that no honest client sends, shared by the tests of accounts."""

from typing import Any

from tests.acceptance import refusals
from tests.acceptance.client import UNKNOWN_ID, Body

BAD_IDS = {
    "one letter": "x",
    "23 characters": UNKNOWN_ID[1:],
    "25 characters": UNKNOWN_ID + "0",
    "24 letters beyond f": "g" * 24,
    "a UUID": "018f4d3e-7c1a-7b3c-8d4e-9f5061728394",
    "0x": "0x" + UNKNOWN_ID[2:],
    "an underscore": UNKNOWN_ID[:11] + "_" + UNKNOWN_ID[12:],
    "a line feed at the end": UNKNOWN_ID + "%0A",
    "a space in front": "%20" + UNKNOWN_ID[1:],
    "a sign": "+" + UNKNOWN_ID[1:],
    "NUL": UNKNOWN_ID[1:] + "%00",
    "no UTF-8": UNKNOWN_ID[1:] + "%FF",
    "Arabic digits": "%D9%A3" * 24,
    "full-width digits": "%EF%BC%91" * 24,
    "5,000 digits": "0" * 5_000,
    "SQL": "'%20or%20'1'='1",
}

NO_TEXTS: list[Any] = [None, 5, True, [], {}, ["x"]]
BAD_TEXTS: list[tuple[str, Any]] = [
    *(("must be a string!", value) for value in NO_TEXTS),
    *(("must be a valid text!", value) for value in ("\x00", "a\x00b", "\ud800", "a\udfffb")),
]
"""What is said of a member that is no text, or not a good one."""

NO_CHILDREN: list[Any] = [None, 5, True, "x", UNKNOWN_ID, {}, {"id": UNKNOWN_ID}]
NO_CHILD: list[Any] = [None, 5, [], {}, {"id": None}, {"id": 5}, "\x00", "\ud800"]
BAD_CHILDREN: list[Any] = [*NO_CHILDREN, *([bad] for bad in NO_CHILD)]
"""What is no list of texts (NO_CHILDREN: no list at all)."""

UNKNOWN_CHILDREN = ["", "x", "g" * 24, UNKNOWN_ID + "0", UNKNOWN_ID[1:], UNKNOWN_ID, "f" * 24]
"""Texts that are no child's id."""

UNREADABLE = [b"", b"{", b"null", b"5", b'"x"', b"true", b"\xff", b'{"name": NaN}', b"\x00", b"[" * 10_000]
ARRAYS = [b"[]", b"[{}]", b'[{"name": "x"}]', b"[null]"]
OTHER_TYPES = ["text/plain", "application/xml", "application/x-www-form-urlencoded", "application/jsonp"]

BAD_QUERIES = [
    ("page", "page=0"),
    ("page", "page=-1"),
    ("page", "page=x"),
    ("page", "page="),
    ("page", "page=1.5"),
    ("page", "page=1e3"),
    ("page", "page=1%00"),
    ("page", "page=%D9%A3"),
    ("page", "page=1_0"),
    ("page", "limit=10&page=0"),
    ("limit", "limit=0"),
    ("limit", "limit=-1"),
    ("limit", "limit=1001"),
    ("limit", "limit=x"),
    ("limit", "limit="),
    ("limit", "limit=99999999999999999999"),
    ("sort", "sort=name"),
    ("name", "name=x"),
    ("username", "username=x"),
    ("id", f"id={UNKNOWN_ID}"),
    ("Page", "Page=1"),
    ("colour", "page=1&colour=red"),
]


def bad_text_of(member: str, said: str) -> Body:
    return refusals.fields(f"{member} {said}")
