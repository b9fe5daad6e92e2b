"""Entries that are refused: bad members, those of other outcomes, and items of an array."""

import secrets
from functools import partial
from typing import Any

import httpx
import pytest

from tests.acceptance.client import NOON, Api, Body
from tests.acceptance.outcomes import (
    OUTCOMES,
    UNKNOWN,
    Outcome,
    answer,
    invalid,
    multi_status,
    new_outcome,
    patiently,
    refusal,
)
from tests.acceptance.outcomes_hostile import BAD_TEXTS, HOSTILE_QUERIES, NO_OBJECTS, each_bad_page, each_bad_time

BAD_VALUES: list[Any] = [
    *BAD_TEXTS,
    *("", " ", "-", ".", "1.", ".5", "-.5", "+1", "--1", "1e3", "1,5", "1_0", "0x1", " 1", "1 ", "1\n", "\n1"),
    *("NaN", "Infinity", "-Infinity", "null", "ten", "1.2.3", "1-", "−1", "٣", "１", "²", "½", "1\u200b"),
    *("1" * 39, "0" * 39, "-" + "1" * 39, "1" * 19 + "." + "1" * 20, "1" * 100_000),
]
BAD_TIMES: list[Any] = [
    *BAD_TEXTS,
    *("", "x", "2019-06-20", "2019-06-20T12:00Z", "2019-06-20 12:00:00Z", "2019-06-20T12:00:00z", "20190620T120000Z"),
    *("2019-02-29T00:00:00Z", "2019-13-01T00:00:00Z", "2019-06-31T00:00:00Z", "2019-06-20T24:00:00Z"),
    *("2019-06-20T12:60:00Z", "2019-06-20T12:00:60Z", "2019-06-20T12:00:00+24:00", "2019-06-20T12:00:00+0200"),
    *("2019-06-20T12:00:00.Z", "1677-12-31T23:59:59Z", "2262-01-01T00:00:00Z", "0000-01-01T00:00:00Z", "now", "today"),
    *("2019-06-20T12:00:00Z ", "2019-06-20T12:00:00Z\n", "２019-06-20T12:00:00Z", "+2019-06-20T12:00:00Z"),
]
BAD_METADATA: list[Any] = [
    *(None, 5, True, "", "x", "{}", [], [{}], [["group", "a"]]),
    {"x": "x" * 16_384},
    dict.fromkeys(map(str, range(101))),
    {"1": {"2": {"3": {"4": {"5": {"6": {"7": {"8": {}}}}}}}}},
    *({"x": "\x00"}, {"\x00": 1}, {"x": "\ud800"}, {"\udfff": 1}, {"x": [{"y": ["a\x00"]}]}, {"x": {"\ud800": {}}}),
]
BAD_MEMBERS: list[tuple[str, Any]] = [
    *((member, value) for member in ("subject_id", "brand_id") for value in (*BAD_TEXTS, "x" * 201, "é" * 201)),
    *(("subject_id", value) for value in ("x" * 200_000, "\U0001f600" * 201)),
    *(("value", value) for value in BAD_VALUES),
    *(("recorded_at", value) for value in BAD_TIMES),
    *(("metadata", value) for value in BAD_METADATA),
]


def shorter(value: Any) -> str:
    return ascii(value)[:40]


@pytest.fixture(scope="module")
def outcome(admin: Api, application: Api) -> Outcome:
    return Outcome(application, new_outcome(admin).body)


@pytest.fixture
def own(outcome: Outcome, admin: Api) -> Outcome:
    return Outcome(outcome.api, new_outcome(admin).body)


@pytest.mark.parametrize(("member", "value"), BAD_MEMBERS, ids=shorter)
def test_an_invalid_member_of_an_entry_is_named_and_nothing_is_stored(
    member: str, value: Any, outcome: Outcome
) -> None:
    before = outcome.listed()
    invalid(member, outcome.post(outcome.entry(**{member: value})))
    assert before == outcome.listed()


@pytest.mark.parametrize("member", ["subject_id", "brand_id", "value"])
def test_a_missing_member_is_named(member: str, outcome: Outcome) -> None:
    invalid(member, outcome.post({name: value for name, value in outcome.entry().items() if name != member}))
    invalid(member, outcome.post(dict.fromkeys({"subject_id", "brand_id", "value"} - {member}, "1")))


@pytest.mark.parametrize("number", ["1e400", "-1e400", "1" * 400, '[1, {"x": 1e999}]'], ids=shorter)
@pytest.mark.parametrize("member", ["subject_id", "brand_id", "value", "recorded_at", "metadata"])
def test_a_number_beyond_a_double_is_a_bad_value_of_its_member(member: str, number: str, own: Outcome) -> None:
    sent = {name: f'"{value}"' for name, value in own.entry().items()}
    sent[member] = f'{{"x": {number}}}' if member == "metadata" else number
    body = ", ".join(f'"{name}": {value}' for name, value in sent.items())
    invalid(member, own.api.post_raw(own.entries_path, f"{{{body}}}"))
    assert ([], 0) == own.listed()


@pytest.mark.parametrize("depth", [100, 1_000, 5_000, 40_000])
@pytest.mark.parametrize(("opened", "closed"), [("[", "]"), ('{"a":', "}")], ids=["arrays", "objects"])
def test_deeply_nested_metadata_is_stored_whole_or_refused(depth: int, opened: str, closed: str, own: Outcome) -> None:
    deep = opened * depth + "1" + closed * depth
    members = ", ".join(f'"{name}": "{value}"' for name, value in own.entry().items())
    response = own.api.post_raw(own.entries_path, f'{{{members}, "metadata": {{"x": {deep}}}}}')
    assert response.status_code in (201, 400), response.text[:1_000]
    listed = own.api.get(own.entries_path)
    assert (200, response.status_code == 201) == (listed.status_code, deep in listed.text.replace(" ", ""))


@pytest.mark.parametrize("size", [5_000, 20_000])
def test_huge_metadata_is_stored_whole_or_refused(size: int, own: Outcome) -> None:
    text = secrets.token_hex(size)
    response = own.post(own.entry(metadata={"x": text, text: text}))
    listed = answer(patiently(partial(own.api.get, own.entries_path)))
    assert listed["entries"] == ([] if refused_for("metadata", response) else [answer(response, 201)])
    assert 200 == own.api.get(f"{own.path}/compare?by=x").status_code


def refused_for(member: str, response: httpx.Response) -> bool:
    """Whether it is a 400, which then names the member."""
    if response.status_code == 400:
        invalid(member, response)
    return response.status_code == 400


def test_an_empty_subject_id_is_refused_or_stored(own: Outcome) -> None:
    response = own.post(own.entry(subject_id=""))
    assert own.listed()[0] == ([] if refused_for("subject_id", response) else [answer(response, 201)])


def test_an_entry_of_another_brand_is_not_found(own: Outcome, admin: Api) -> None:
    other = new_outcome(admin)
    for brand in (other.body["brand_id"], own.body["brand_id"].upper(), own.body["brand_id"] + " ", "x" * 200):
        refusal(404, own.post(own.entry(brand_id=brand)))
    assert (0, 0) == (own.listed()[1], other.listed()[1])


def test_an_entry_of_an_unknown_outcome_is_not_found(outcome: Outcome) -> None:
    refusal(404, outcome.api.post(f"{OUTCOMES}/{UNKNOWN}/entries", outcome.entry()))


@pytest.mark.parametrize("extra", [[], [{}], [None]], ids=str)
def test_an_array_of_entries_for_an_unknown_outcome_records_nothing(extra: list[Any], outcome: Outcome) -> None:
    items = [outcome.entry(), *extra]
    response = outcome.api.post(f"{OUTCOMES}/{UNKNOWN}/entries", items)
    if response.status_code == 404:
        refusal(404, response)
    else:
        success, error = multi_status(response)
        assert ([], items) == (success, [item for _, item in error])
        assert (404, items[0]) in error


def test_an_empty_array_is_answered_with_two_empty_arrays(outcome: Outcome) -> None:
    assert {"success": [], "error": []} == answer(outcome.post([]), 207)


@pytest.mark.parametrize("element", NO_OBJECTS, ids=repr)
def test_an_element_that_is_no_object_lacks_every_member(element: Any, own: Outcome) -> None:
    response = own.post([element, own.entry()])
    success, error = multi_status(response)
    assert ([own.stored()], [(400, element)]) == ([given(made) for made in success], error)
    assert "subject_id" in response.json()["error"][0]["message"]


def given(made: Body) -> Body:
    return {member: value for member, value in made.items() if member != "id"}


def test_items_stand_alone_and_both_arrays_keep_the_order(own: Outcome) -> None:
    first = own.record(subject_id="a", metadata={"kept": 1})
    items: list[Any] = [
        own.entry(subject_id="c", metadata={"n": 1.5}),
        own.entry(subject_id="a", value="-0.0", recorded_at="2019-06-20T14:00:00+02:00", id="x", colour="red"),
        own.entry(subject_id="b", value="x"),
        own.entry(subject_id="b", brand_id="other"),
        None,
        own.entry(subject_id="b", value="0.10"),
        own.entry(subject_id="c", metadata={"m": 2}),
        own.entry(subject_id="a", recorded_at="2019-06-20T12:00:00.001Z"),
    ]
    response = own.post(items)
    success, error = multi_status(response)
    stored = [items[0], items[5], items[7]]
    assert [{"outcome_id": own.id, "metadata": {}} | item for item in stored] == [given(made) for made in success]
    assert [
        (409, own.stored(subject_id="a", value="-0.0", recorded_at=NOON)),
        (400, items[2]),
        (404, items[3]),
        (400, None),
        (409, own.stored(subject_id="c", metadata={"m": 2})),
    ] == error
    assert "value" in response.json()["error"][1]["message"]
    assert ([success[2], success[1], success[0], first], 4) == own.listed()
    assert 4 == own.ask("summary")["count"]


def test_the_first_of_equal_entries_is_accepted_and_a_repeated_array_is_rejected(own: Outcome) -> None:
    items = [own.entry(value=str(n), recorded_at=f"2019-06-20T{12 + n}:00:00+{n:02}:00") for n in range(3)]
    stored = [own.stored(value=str(n)) for n in range(3)]
    success, error = multi_status(own.post(items))
    assert ([stored[0]], [(409, item) for item in stored[1:]]) == ([given(made) for made in success], error)
    assert ([], [(409, item) for item in stored]) == multi_status(own.post(items))
    assert (success, 1) == own.listed()


def test_a_bad_item_is_echoed_as_it_was_sent(outcome: Outcome) -> None:
    number, text = 10**400 + 1, "\ud800\x00\U0001f600"
    item = outcome.entry(value=5) | {
        "big": number,
        text: [text, {"deep": [None, 1.5, False]}],
        "metadata": {text: number},
    }
    assert ([], [(400, item)]) == multi_status(outcome.post([item]))


@each_bad_page
def test_a_bad_page_is_named(name: str, sent: str, outcome: Outcome) -> None:
    invalid(name, outcome.api.get(f"{outcome.entries_path}?{sent}"))


@each_bad_time
def test_a_bad_time_is_named(name: str, sent: str, outcome: Outcome) -> None:
    invalid(name, outcome.api.get(f"{outcome.entries_path}?{sent}"))


@pytest.mark.parametrize("sent", [*HOSTILE_QUERIES, "subject_id=%00", "subject_id=%FF", "subject_id=" + "x" * 5_000])
def test_no_query_is_a_server_fault(sent: str, outcome: Outcome) -> None:
    response = outcome.api.get(f"{outcome.entries_path}?{sent}")
    assert answer(response).keys() == {"entries", "total"} if response.is_success else refusal(400, response)
