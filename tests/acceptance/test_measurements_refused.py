"""POST of one measurement with a bad member: the refusal's whole body, and that nothing is recorded."""

from typing import Any

import pytest

from tests.acceptance import refusals
from tests.acceptance.client import KINDS, WEIGHT, Api, Kind, User, each_kind, refused

BAD_TIMESTAMPS: list[tuple[Any, str]] = [
    (None, "null"),
    (5, "5"),
    (1.5, "1.5"),
    (True, "true"),
    ([], "[]"),
    ({}, "{}"),
    *(
        (text, text)
        for text in (
            "",
            " ",
            "null",
            "yesterday",
            "2019-06-20",
            "14:40:00Z",
            "2019-06-20T14:40Z",
            "2019-06-20T14Z",
            "2019-06-20 14:40:00Z",
            "2019-06-20t14:40:00Z",
            "2019-06-20T14:40:00z",
            "20190620T144000Z",
            "2019-171T14:40:00Z",
            "2019-W25-4T14:40:00Z",
            "19-06-20T14:40:00Z",
            "12019-06-20T14:40:00Z",
            "+2019-06-20T14:40:00Z",
            "-2019-06-20T14:40:00Z",
            "2019-6-20T14:40:00Z",
            "2019-06-20T14:40:00.Z",
            "2019-06-20T14:40:00,5Z",
            "2019-06-20T14:40:00.5.5Z",
            "2019-06-20T14:40:00+1:00",
            "2019-06-20T14:40:00+01",
            "2019-06-20T14:40:00+0100",
            "2019-06-20T14:40:00+24:00",
            "2019-06-20T14:40:00-01:60",
            "2019-06-20T14:40:00+01:00:00",
            "2019-06-20T14:40:00Z+01:00",
            "2019-06-20T14:40:00 Z",
            "2019-06-20T14:40:00[UTC]",
            " 2019-06-20T14:40:00Z",
            "2019-06-20T14:40:00Z ",
            "2019-06-20T14:40:00Z\n",
            "2019-06-20T14:40:00\n",
            "2019-06-20T14:40:00Z\x00",
            "\uff12\uff10\uff11\uff19-06-20T14:40:00Z",
            "2019-06-20T14:40:0\u0660Z",
            "2019-06-20T24:00:00Z",
            "2019-06-20T14:60:00Z",
            "2019-06-20T14:40:60Z",
            "2019-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "2019-06-31T00:00:00Z",
            "2019-13-01T00:00:00Z",
            "2019-00-01T00:00:00Z",
            "2019-06-00T00:00:00Z",
            "0000-01-01T00:00:00Z",
            "1677-12-31T23:59:59.999Z",
            "1677-12-31T23:59:59-23:59",
            "2262-01-01T00:00:00Z",
            "2262-01-01T00:00:00+23:59",
            "9999-12-31T23:59:59Z",
        )
    ),
]

NO_NUMBERS = [
    "null",
    "true",
    "false",
    "[]",
    "[70.2]",
    "{}",
    '{"$gt": 0}',
    "1e400",
    "1" + "0" * 400,
    *(
        f'"{text}"'
        for text in (
            "",
            " ",
            "abc",
            "70,2",
            "7e1",
            "+70",
            "-70",
            "-1",
            " 70",
            "70 ",
            "70.",
            ".5",
            "7.0.2",
            "0x10",
            "1_000",
            "NaN",
            "Infinity",
            "70.2kg",
            "70\\n",
            "70\\u0000",
            "\\ud800",
            "\uff17\uff10",
            "\u0667\u0660",
            "\u00b2",
            "1" * 400,
        )
    ),
]

NEGATIVES = ["-1", "-0.1", "-5e-324", "-1.7976931348623157e308"]

BAD_UNITS: list[tuple[Any, dict[str, Any]]] = [
    (None, refusals.UNIT_NO_TEXT),
    (5, refusals.UNIT_NO_TEXT),
    (True, refusals.UNIT_NO_TEXT),
    (["kg"], refusals.UNIT_NO_TEXT),
    ({}, refusals.UNIT_NO_TEXT),
    ("", refusals.UNIT_EMPTY),
    ("\x00", refusals.UNIT_BAD_TEXT),
    ("k\x00g", refusals.UNIT_BAD_TEXT),
    ("\ud800", refusals.UNIT_BAD_TEXT),
    ("kg\udfff", refusals.UNIT_BAD_TEXT),
    ("\udc00\ud800", refusals.UNIT_BAD_TEXT),
]

NUMBERS = [(kind, "value") for kind in KINDS] + [(WEIGHT, "body_fat")]
each_number = pytest.mark.parametrize(
    ("kind", "member"), NUMBERS, ids=[f"{kind.collection} {member}" for kind, member in NUMBERS]
)

UNREADABLE = {
    "nothing": b"",
    "blank": b"  \n",
    "cut off": b'{"timestamp": "2019-06-20T14:40:00Z", "value": 70',
    "no quotes": b"{value: 70}",
    "single quotes": b"{'value': 70}",
    "trailing comma": b'{"value": 70,}',
    "text after the object": b'{"value": 70} x',
    "two objects": b"{}{}",
    "a form": b"value=70",
    "null": b"null",
    "true": b"true",
    "a number": b"70.2",
    "text": b'"70.2"',
    "a number beyond a double": b"1e400",
}


def id_of(text: str) -> str:
    return ascii(text if len(text) < 40 else text[:40] + "...")


@each_kind
@pytest.mark.parametrize(("sent", "shown"), BAD_TIMESTAMPS, ids=[ascii(sent) for sent, _ in BAD_TIMESTAMPS])
def test_a_bad_timestamp_is_refused_as_it_was_sent(
    kind: Kind, sent: Any, shown: str, application: Api, child: User
) -> None:
    response = application.post(kind.path(child.id), kind.reading(timestamp=sent))
    assert refusals.bad_timestamp(shown) == refused(response)
    assert [] == kind.listed(application, child.id)


def with_raw(kind: Kind, member: str, raw: str) -> str:
    reading = kind.reading(**{member: 1})
    pairs = (f'"{name}": {raw}' if name == member else f'"{name}": "{reading[name]}"' for name in reading)
    return "{" + ", ".join(pairs) + "}"


@each_number
@pytest.mark.parametrize("raw", NO_NUMBERS, ids=id_of)
def test_a_measurement_value_that_is_not_a_number_is_rejected(
    kind: Kind, member: str, raw: str, application: Api, child: User
) -> None:
    response = application.post_raw(kind.path(child.id), with_raw(kind, member, raw))
    assert refusals.no_number(member) == refused(response)
    assert [] == kind.listed(application, child.id)


@each_number
@pytest.mark.parametrize("raw", NEGATIVES)
def test_a_number_below_zero_is_refused(kind: Kind, member: str, raw: str, application: Api, child: User) -> None:
    response = application.post_raw(kind.path(child.id), with_raw(kind, member, raw))
    assert refusals.negative(member) == refused(response)
    assert [] == kind.listed(application, child.id)


@pytest.mark.parametrize(("sent", "expected"), BAD_UNITS, ids=[ascii(sent) for sent, _ in BAD_UNITS])
def test_a_bad_unit_is_refused(sent: Any, expected: dict[str, Any], application: Api, child: User) -> None:
    assert expected == refused(application.post(WEIGHT.path(child.id), WEIGHT.reading(unit=sent)))
    assert [] == WEIGHT.listed(application, child.id)


@each_kind
@pytest.mark.parametrize("content", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_body_that_is_neither_object_nor_array_is_refused(
    kind: Kind, content: bytes, application: Api, child: User
) -> None:
    assert refusals.UNREADABLE == refused(application.post_raw(kind.path(child.id), content))
