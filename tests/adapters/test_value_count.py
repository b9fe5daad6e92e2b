"""The values of a body are counted without making them; a body with too many is rejected."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import Raw

from adapters.http.schemas import json_values, members, value_count
from domain.refusal import Unreadable

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=8,
)
separators = st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", "\t: ")])


@given(st.lists(values, max_size=6) | st.dictionaries(texts, values, max_size=6), separators, st.integers(1, 7))
@example([], (",", ":"), 1)
@example([",:]", {"a,": [1, 2]}], (",", ":"), 1)
def test_value_count_tells_whether_there_are_more_than_the_limit(
    value: Any, separated: tuple[str, str], most: int
) -> None:
    text = " " + json.dumps(value, separators=separated, ensure_ascii=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(value_count, "COMMAS", -100)  # as if every text were long enough to be asked
        assert (len(value) > most) == value_count.has_more_than(most, text.encode())


@pytest.mark.parametrize("text", [b"", b"[", b"[1,", b"[1 2]", b"[,]", b"[1,,2]", b"{1", b"[}", b"x", b'["\\ud800",1]'])
def test_malformed_json_is_left_to_the_parser(text: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(value_count, "COMMAS", -100)
    assert not value_count.has_more_than(2, text)


def many(element: bytes, number: int = 1_000_000) -> bytes:
    return b",".join([element] * number)


@pytest.mark.parametrize(
    "text",
    [
        b"[" + many(b"0") + b"]",
        b"[" + many(b"{}") + b"]",
        b'[["",",]"],' + many(b"[[]]") + b"]",
        b"[" + many(b"0") + b",",
        b"{" + many(b'"a":0') + b"}",
    ],
    ids=lambda text: ascii(text[:12]),
)
def test_where_there_are_too_many_none_is_made(text: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_values, "_decode_list", None)
    monkeypatch.setattr(json_values, "_decode_object", None)
    with pytest.raises(json_values.BatchTooLarge):
        json_values.elements(text, 10_000) if text.startswith(b"[") else json_values.members(text)


def test_the_values_within_an_element_do_not_count() -> None:
    """It is one value of an array, or of an unknown member, that nobody looks into."""
    inner = b"[" + many(b"0") + b"]"
    assert [inner] == [bytes(raw) for raw in json_values.elements(b"[" + inner + b"]", 10_000)]
    assert {"a": inner} == {name: bytes(raw) for name, raw in json_values.members(b'{"a": ' + inner + b"}").items()}


def test_a_member_has_no_more_ids_than_a_batch_has_items() -> None:
    def sent(number: int) -> members.Members:
        return members.Members({"children": Raw(b"[" + many(b'"x"', number) + b"]")})

    assert ("x",) == sent(10_000).ids("children")
    with pytest.raises(json_values.BatchTooLarge):
        sent(10_001).ids("children")


def test_json_for_the_slow_parser_is_rejected_if_it_holds_very_many_values() -> None:
    """A lone surrogate is what takes it there, which makes every value that is passed over."""
    with pytest.raises(Unreadable):
        json_values.elements(b'["\\ud800",[' + many(b"0") + b"]]", 10_000)
