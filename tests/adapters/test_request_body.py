"""Bodies are parsed as strict JSON, and each of their parts is the JSON that was sent."""

import json
import time
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec import Raw

from adapters.http.schemas import json_values
from domain.refusal import NotText, TextTooLong, Unreadable, UnsafeText

characters = st.characters(exclude_categories=[])
"""Lone surrogates too: JSON can spell them."""

texts = st.text(characters, max_size=8)
numbers = st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
tokens = st.sampled_from(
    ["{", "}", "[", "]", ",", ":", " ", "\t", "\n", "\r", '"a"', '"\\u0000"', '"\\ud800"', '"\\ud83d\\ude00"', '"\\x"',
     '"\\/"', "0", "-0", "-", "01", "1.", ".5", "1e5", "1E+999", "1e", "+1", "true", "false", "null", "nul", "True",
     "NaN", "Infinity", "-Infinity", '"\x01"', '"\x7f"', "'a'", "/**/", "\ufeff", "\x0c", "\xa0", '"é"',
     '"', "\\", "0x1"]
)  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """The JSON of something, with some bytes replaced, left out or put in."""
    text = bytearray(json.dumps(draw(values), ensure_ascii=draw(st.booleans())).encode(errors="surrogatepass"))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(text)))
        text[at : at + draw(st.integers(0, 2))] = draw(st.binary(max_size=2))
    return bytes(text)


bodies = (
    values.map(json.dumps).map(str.encode)
    | mutated()
    | st.lists(tokens, max_size=12).map("".join).map(str.encode)
    | st.binary(max_size=12)
)


def strictly(text: bytes, sort: type) -> Any:
    """What the standard library reads, with its liberties taken away; None where that is not of the sort."""

    def refuse(constant: str) -> None:
        raise ValueError(constant)

    try:
        value = json.loads(text.decode(), parse_constant=refuse, parse_int=float)
    except ValueError:
        return None
    return value if isinstance(value, sort) else None


def of(raw: Raw) -> Any:
    return json.loads(bytes(raw), parse_int=float)


@settings(max_examples=400, deadline=None)
@given(bodies)
@example(b'{"a": 1, "a": "\\ud800"}')
@example(b'{"\\ud800": 1, "\\ud800": 2}')
@example(b'["\xed\xa0\x80"]')
@example(b"\xef\xbb\xbf[]")
@example(b"[]\x00")
@example(b'["\\ud800", NaN]')
@example(b"[-]")
def test_a_body_is_read_where_strict_json_reads_it_and_its_parts_are_equal(text: bytes) -> None:
    for read, sort in ((json_values.members, dict), (json_values.elements, list)):
        expected = strictly(text, sort)
        if expected is None:
            with pytest.raises(Unreadable):
                read(text)
        elif sort is dict:
            actual = {name: of(raw) for name, raw in json_values.members(text).items()}
            assert repr(sorted(expected.items())) == repr(sorted(actual.items()))
        else:
            assert repr(expected) == repr([of(raw) for raw in json_values.elements(text)])


@pytest.mark.parametrize("surrogate", [b"", b'"\\ud800", '], ids=["", "beside a lone surrogate"])
@pytest.mark.parametrize(
    "number", [b"1" * 400, b"1" * 5_000, b"-" + b"9" * 5_000, b"1e999", b"0." + b"1" * 5_000, b"1e" + b"9" * 5_000]
)
def test_a_number_beyond_a_double_is_readable(surrogate: bytes, number: bytes) -> None:
    """The contract: it is a bad value of its member, not unreadable JSON."""
    assert number == bytes(json_values.elements(b"[" + surrogate + number + b"]")[-1])
    assert number == bytes(json_values.members(b'{"a": [' + surrogate + b'0], "b": ' + number + b"}")["b"])


@pytest.mark.parametrize("depth", [100, 900, 1_000, 1_100, 100_000, 1_000_000])
@pytest.mark.parametrize(
    ("before", "inner", "after"),
    [(b"[", b"", b"]"), (b'{"a":', b"1", b"}"), (b'["\\ud800",', b"1", b"]"), (b"[", b"", b"")],
)
def test_a_body_of_any_depth_is_parsed_or_reported_as_unreadable(
    before: bytes, inner: bytes, after: bytes, depth: int
) -> None:
    text = before * depth + inner + after * depth
    read = json_values.members if before.startswith(b"{") else json_values.elements
    try:
        read(text)
    except Unreadable:
        assert depth > 500 or not after


@pytest.mark.parametrize("text", [b'["\\ud800"%b]', b'%b["\\ud800"]', b'["\\ud800"]%b', b'["\\ud800",%b1]'])
def test_spaces_around_a_lone_surrogate_cost_time_in_proportion_to_their_number(text: bytes) -> None:
    """The event loop waits while a body is read, and a body may have 16 MiB of them: 16 times as many took 256 times as
    long when each was looked at again and again."""

    def seconds(spaces: int) -> float:
        started = time.perf_counter()
        json_values.elements(text % (b" " * spaces))
        return time.perf_counter() - started

    few, many = (min(seconds(2**power) for _ in range(5)) for power in (17, 21))
    assert many < 64 * few


@given(st.lists(values))
def test_an_element_that_is_no_object_has_no_members(elements: list[Any]) -> None:
    text = json.dumps(elements).encode()
    expected = [element if isinstance(element, dict) else {} for element in elements]
    actual = [
        {name: of(raw) for name, raw in json_values.members_of(element).items()}
        for element in json_values.elements(text)
    ]
    assert repr([sorted(json.loads(json.dumps(each), parse_int=float).items()) for each in expected]) == repr(
        [sorted(each.items()) for each in actual]
    )


@given(texts)
def test_text_is_as_it_was_sent_or_unsafe(text: str) -> None:
    raw = Raw(json.dumps(text).encode())
    if "\0" in text or any("\ud800" <= each <= "\udfff" for each in json.loads(json.dumps(text))):
        with pytest.raises(UnsafeText):
            json_values.text_of(raw, "unit", 64)
    else:
        assert text == json_values.text_of(raw, "unit", 64)


@given(values.filter(lambda value: not isinstance(value, str)))
def test_a_value_that_is_not_a_string_is_not_read_as_text(value: Any) -> None:
    with pytest.raises(NotText):
        json_values.text_of(Raw(json.dumps(value).encode()), "unit", 64)


@pytest.mark.parametrize("text", ["x" * 64, "\U0001f600" * 64, "\\" * 64], ids=ascii)
@pytest.mark.parametrize("ascii_only", [True, False])
def test_a_text_is_as_long_as_its_characters_whatever_their_bytes(text: str, ascii_only: bool) -> None:
    assert text == json_values.text_of(Raw(json.dumps(text, ensure_ascii=ascii_only).encode()), "unit", 64)
    with pytest.raises(TextTooLong):
        json_values.text_of(Raw(json.dumps(text + "x", ensure_ascii=ascii_only).encode()), "unit", 64)


def test_a_text_that_cannot_be_short_enough_is_refused_before_it_is_read() -> None:
    with pytest.raises(TextTooLong):
        json_values.text_of(Raw(b'"' + b"\\ud800" * 1_000_000 + b'"'), "unit", 64)
