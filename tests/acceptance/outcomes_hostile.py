"""Ids, queries and texts that no honest client of the outcomes sends."""

from typing import Any

import pytest

from tests.acceptance.outcomes import UNKNOWN

NO_IDS = {
    "one letter": "x",
    "an id of the other families": "0123456789abcdef01234567",
    "35 characters": UNKNOWN[1:],
    "37 characters": UNKNOWN + "0",
    "a letter beyond f": "g" + UNKNOWN[1:],
    "NUL": UNKNOWN[1:] + "%00",
    "no UTF-8": UNKNOWN[1:] + "%FF",
    "a line feed at the end": UNKNOWN + "%0A",
    "full-width digits": "%EF%BC%91" + UNKNOWN[1:],
    "5,000 digits": "0" * 5_000,
    "SQL": "'%20or%20'1'='1",
}

BAD_PAGES = [
    ("limit", "limit=0"),
    ("limit", "limit=-1"),
    ("limit", "limit=1001"),
    ("limit", "limit=x"),
    ("limit", "limit="),
    ("limit", "limit=1.5"),
    ("limit", "limit=%D9%A3"),
    ("limit", "limit=1_0"),
    ("limit", "limit=99999999999999999999"),
    ("offset", "offset=-1"),
    ("offset", "offset=x"),
    ("offset", "offset="),
    ("offset", "offset=1.5"),
    ("offset", "offset=1e1"),
    ("offset", "offset=1%00"),
    ("offset", "limit=10&offset=-5"),
]
BAD_TIMES = [
    (name, f"{name}={value}")
    for name in ("from", "to")
    for value in (
        "",
        "x",
        "yesterday",
        "2019-02-29",
        "2019-06-20T25:00:00Z",
        "12:00",
        "2019",
        "1560000000",
        "%00",
        "%FF",
    )
]
HOSTILE_QUERIES = ["%00=1", "%FF=1", "=1", "=", "&&&", "limit", "limit=1&limit=2", "%", "a[]=1", "x=" + "9" * 5_000]

BAD_TEXTS: list[Any] = [None, 5, 1.5, True, [], {}, ["x"], [["x"]], {"x": "y"}, "\x00", "a\x00b", "\ud800", "a\udfffb"]
"""What is no text, or none that can be kept."""

NO_OBJECTS: list[Any] = [None, 0, 70.2, True, "", "text", [], [[]], [{"name": "x"}], {}]
"""Elements of an array that have no members."""

UNREADABLE = {
    "nothing": b"",
    "null": b"null",
    "a number": b"5",
    "a text": b'"x"',
    "true": b"true",
    "half an object": b'{"name": "x"',
    "a lone continuation byte": b'{"name": "\x80"}',
    "a surrogate in UTF-8": b'{"name": "\xed\xa0\x80"}',
    "latin-1": '{"name": "é"}'.encode("latin-1"),
    "UTF-16": '{"name": "x"}'.encode("utf-16"),
    "NaN": b'{"name": NaN}',
    "-Infinity in an unknown member": b'{"x": -Infinity}',
    "a raw NUL": b'{"name": "\x00"}',
    "arrays that never end": b"[" * 100_000,
    "objects that never end": b'{"a":' * 50_000,
}

each_bad_time = pytest.mark.parametrize(("name", "sent"), BAD_TIMES, ids=[sent for _, sent in BAD_TIMES])
each_bad_page = pytest.mark.parametrize(("name", "sent"), BAD_PAGES, ids=[sent for _, sent in BAD_PAGES])
