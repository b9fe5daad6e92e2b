"""Entries of an outcome: stored exactly as sent, one for each subject and instant, and listed."""

import json
from datetime import UTC, datetime, timedelta
from functools import partial
from math import copysign

import pytest

from tests.acceptance.client import NOON, Api, Body, at_once, stamp, statuses
from tests.acceptance.outcomes import (
    MAX_ITEMS,
    UNKNOWN,
    Outcome,
    answer,
    day,
    moment,
    multi_status,
    new_outcome,
    patiently,
    refusal,
)

VALUES = [
    *("0", "-0", "0.10", "-0.0", "1.000", "007", "-007.700", "70.2"),
    *("1" * 38, "-" + "9" * 38, "0." + "0" * 36 + "1", "-" + "1" * 19 + "." + "2" * 19, "0" * 38),
]
INSTANTS = {
    "2019-06-20T12:00:00Z": NOON,
    "2019-06-20T14:30:00+02:30": NOON,
    "2019-06-19T12:01:00-23:59": NOON,
    "2019-06-20T12:00:00.5Z": "2019-06-20T12:00:00.500Z",
    "2019-06-20T12:00:00.123999Z": "2019-06-20T12:00:00.123Z",
    "2020-02-29T00:00:00-01:00": "2020-02-29T01:00:00.000Z",
    "1678-01-01T00:00:00Z": "1678-01-01T00:00:00.000Z",
    "1678-01-01T00:00:00+23:59": "1677-12-31T00:01:00.000Z",
    "2261-12-31T23:59:59.999-23:59": "2262-01-01T23:58:59.999Z",
}
METADATA: list[Body] = [
    {},
    json.loads('{"deeper": [' * 4 + "1.5" + "]}" * 4),
    {f"member {number}": number for number in range(100)},
    {"long": "x" * 16_000},
    {"group": "a"},
    {"": "", " ": None, "a.b": [True, False, None], "__proto__": {"admin": True}},
    {"nested": {"list": [1, [2, [3, {"four": {"five": []}}]]], "empty": {}}},
    {"\U0001f600 é e\u0301 \u202e": '\ud83d\ude00\uffff\u0001\t\n"\\/'},
    {"group": "x" * 500, "n" * 500: 1},
    {"$ref": "#/x", "'; drop table entries; --": "%s {} $1"},
]
NUMBERS = [0.1, 1e300, -1.5e-300, 5e-324, 1.7976931348623157e308, 0.0, -0.0, 1e16, 123456789.123456789, 1e-7]
NUMBERS += [2**53 + 1, -(2**63), 2**64, 10**30 + 1, 10**308]

each_same = pytest.mark.parametrize(
    "again",
    [
        NOON,
        "2019-06-20T14:00:00+02:00",
        "2019-06-20T12:00:00.000999Z",
        "2019-06-20T07:15:00-04:45",
        "2019-06-20T12:00:00",
    ],
)


@pytest.fixture
def outcome(admin: Api, application: Api) -> Outcome:
    """One that an application writes to."""
    return Outcome(application, new_outcome(admin).body)


def given(made: Body) -> Body:
    return {member: value for member, value in made.items() if member != "id"}


def test_an_entry_has_all_seven_members(outcome: Outcome, admin: Api) -> None:
    for api, subject in ((outcome.api, "anna"), (admin, "ben")):
        made = Outcome(api, outcome.body).record(subject_id=subject)
        assert outcome.stored(subject_id=subject) == given(made)
        assert ([made], 1) == outcome.listed(subject_id=subject)


@pytest.mark.parametrize("value", VALUES)
def test_the_value_of_an_entry_is_stored_exactly_as_sent(value: str, outcome: Outcome) -> None:
    made = outcome.record(value=value)
    assert value == made["value"]
    assert ([made], 1) == outcome.listed()


@pytest.mark.parametrize(("sent", "kept"), INSTANTS.items())
def test_a_time_goes_out_in_utc_with_milliseconds(sent: str, kept: str, outcome: Outcome) -> None:
    made = outcome.record(recorded_at=sent)
    assert kept == made["recorded_at"]
    assert ([made], 1) == outcome.listed()


def test_an_entry_without_a_time_is_of_now(outcome: Outcome) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    sent = {member: value for member, value in outcome.entry().items() if member != "recorded_at"}
    made = answer(outcome.post(sent), 201)
    assert outcome.stored(recorded_at=made["recorded_at"]) == given(made)
    assert moment(stamp(before)) < moment(made["recorded_at"]) < moment(stamp(before)) + timedelta(minutes=1)
    assert ([made], 1) == outcome.listed(from_=stamp(before))


@pytest.mark.parametrize("metadata", METADATA, ids=ascii)
def test_metadata_comes_back_as_it_was_sent(metadata: Body, outcome: Outcome) -> None:
    # Surrogate pairs are one character each, in what is sent as in what comes back.
    expected = json.loads(json.dumps(metadata))
    made = outcome.record(metadata=metadata)
    assert expected == made["metadata"]
    assert ([made], 1) == outcome.listed()


@pytest.mark.parametrize("number", NUMBERS, ids=repr)
def test_numbers_in_metadata_come_back_as_the_same_double(number: float, outcome: Outcome) -> None:
    outcome.record(metadata={"number": number, "list": [number]})
    (entry,), _ = outcome.listed()
    for kept in (entry["metadata"]["number"], *entry["metadata"]["list"]):
        assert isinstance(kept, int | float)
        assert (float(number), copysign(1, number)) == (float(kept), copysign(1, kept))


def test_members_that_the_service_sets_are_ignored(outcome: Outcome) -> None:
    made = outcome.record(id="x", outcome_id=UNKNOWN, colour=[1e300, {"\x00": "\ud800"}])
    assert outcome.stored() == given(made)


@pytest.mark.parametrize("text", ["x" * 200, "\U0001f600" * 200, " ", "a\tb\nc", "' or '1'='1", "%00", "../x", "{}"])
def test_any_text_of_200_characters_is_a_subject(text: str, outcome: Outcome) -> None:
    made = outcome.record(subject_id=text)
    assert text == made["subject_id"]
    assert ([made], 1) == outcome.listed(subject_id=text)
    refusal(409, outcome.post(outcome.entry(subject_id=text)))


@each_same
def test_the_same_subject_and_instant_is_a_conflict(again: str, outcome: Outcome) -> None:
    made = outcome.record()
    refusal(409, outcome.post(outcome.entry(recorded_at=again, value="1", metadata={"other": 1})))
    assert ([made], 1) == outcome.listed()


def test_entries_of_another_subject_instant_or_outcome_do_not_conflict(outcome: Outcome, admin: Api) -> None:
    outcome.record()
    outcome.record(subject_id="Anna")
    outcome.record(subject_id="anna ")
    outcome.record(recorded_at="2019-06-20T12:00:00.001Z")
    new_outcome(admin, brand_id=outcome.body["brand_id"], name="Other").record()
    assert 4 == outcome.listed()[1]


def test_exactly_one_of_64_equal_concurrent_entries_is_recorded(outcome: Outcome) -> None:
    zones = [f"2019-06-20T{12 + hour}:00:00+{hour:02}:00" for hour in range(8)] * 8
    calls = [partial(outcome.post, outcome.entry(recorded_at=at)) for at in zones]
    assert {201: 1, 409: 63} == statuses(at_once(calls))
    assert 1 == outcome.listed()[1]
    assert 1 == outcome.ask("summary")["count"]


def test_entries_are_listed_the_latest_first_and_of_one_instant_the_last_recorded(outcome: Outcome) -> None:
    rows = [("a", day(2)), ("b", day(3)), ("c", day(1)), ("d", day(3)), ("e", day(2))]
    made = {subject: outcome.record(subject_id=subject, recorded_at=at) for subject, at in rows}
    items = [outcome.entry(subject_id=subject, recorded_at=day(2)) for subject in ("f", "g")]
    made |= {entry["subject_id"]: entry for entry in multi_status(outcome.post(items))[0]}
    assert ([made[subject] for subject in "dbgfeac"], 7) == outcome.listed()


@pytest.mark.parametrize(
    ("parameters", "subjects"),
    [
        ({"subject_id": "a"}, "aaa"),
        ({"subject_id": "A"}, ""),
        ({"from_": day(2)}, "baba"),
        ({"from_": "2019-03-02"}, "baba"),
        ({"from_": day(2, "13:00:00+01:00")}, "baba"),
        ({"from_": day(2, "12:00:00.001Z")}, "ba"),
        ({"to": day(2)}, "ba"),
        ({"to": "2019-03-03"}, "baba"),
        ({"from_": day(2), "to": day(3)}, "ba"),
        ({"from_": "2019-04-01", "to": "2019-04-02"}, ""),
        ({"from_": day(2), "subject_id": "b"}, "bb"),
        ({}, "bababa"),
    ],
    ids=str,
)
def test_a_list_takes_a_subject_and_times(parameters: dict[str, str | int], subjects: str, outcome: Outcome) -> None:
    outcome.enter((subject, day(number), 1) for number in (1, 2, 3) for subject in "ab")
    entries, total = outcome.listed(**parameters)
    assert (subjects, len(subjects)) == ("".join(entry["subject_id"] for entry in entries), total)


def test_a_page_is_a_part_of_the_list_and_counts_the_whole(outcome: Outcome) -> None:
    rows = [("anna", day(1, f"00:{number // 60:02}:{number % 60:02}.000Z"), number) for number in range(105)]
    outcome.enter(rows)
    whole, total = outcome.listed(limit=1000)
    assert ([str(number) for number in range(104, -1, -1)], 105) == ([entry["value"] for entry in whole], total)
    for start, end, page in [
        (0, 100, outcome.listed()),
        (0, 3, outcome.listed(limit=3)),
        (100, 105, outcome.listed(offset=100)),
        (7, 9, outcome.listed(limit=2, offset=7)),
        (105, 105, outcome.listed(offset=105)),
    ]:
        assert (whole[start:end], 105) == page


def test_as_many_entries_as_the_limit_allows_are_accepted(outcome: Outcome) -> None:
    start = datetime(2019, 6, 1, tzinfo=UTC)
    outcome.enter((f"{n % 7}", stamp(start + timedelta(minutes=n)), n) for n in range(MAX_ITEMS))
    summary = answer(patiently(lambda: outcome.api.get(f"{outcome.path}/summary")))
    assert (MAX_ITEMS, 7, (MAX_ITEMS - 1) / 2) == (summary["count"], summary["subjects"], summary["mean"])
    assert MAX_ITEMS == outcome.listed(limit=1)[1]
    items = [outcome.entry(subject_id=str(number)) for number in range(MAX_ITEMS + 1)]
    refusal(413, outcome.post(items))
    assert MAX_ITEMS == outcome.listed(limit=1)[1]
