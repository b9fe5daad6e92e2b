"""The filters of a list: members, operators, bounds and periods of time."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.acceptance import refusals
from tests.acceptance.client import BODY_FAT, KINDS, WEIGHT, Api, Body, Kind, User, each_kind, refused, stamp
from tests.acceptance.people import People

READINGS: dict[str, Body] = {
    "A": {"timestamp": "2019-06-01T00:00:00Z", "value": 60, "unit": "kg"},
    "B": {"timestamp": "2019-06-15T12:00:00Z", "value": 62, "unit": "kg"},
    "C": {"timestamp": "2019-06-30T23:59:59.999Z", "value": 62.5, "unit": "lb"},
    "D": {"timestamp": "2019-07-01T00:00:00Z", "value": 70.2, "unit": "stone"},
    "E": {"timestamp": "2020-02-29T12:00:00Z", "value": 80, "unit": "100%_kg"},
}

FILTERS = {
    "value=70.2": "D",
    "value=70.20": "D",
    "value=61": "",
    "value=gt:62": "CDE",
    "value=gte:62": "BCDE",
    "value=lt:62": "A",
    "value=lte:62": "AB",
    "value=ne:62": "ACDE",
    "value=62,62.5": "BC",
    "value=62,1,80": "BE",
    "value=gte:62&value=lt:70.2": "BC",
    "value=ne:62&value=ne:80": "ACD",
    "value=62&value=62.5": "",
    "value=60,62&value=62,80": "B",
    "timestamp=2019-06-15T12:00:00Z": "B",
    "timestamp=2019-06-15T12:00:00": "B",
    "timestamp=2019-06-15T12:00:00.000Z": "B",
    "timestamp=2019-06-15T13:00:00%2B01:00": "B",
    "timestamp=2019-07-01": "D",
    "timestamp=2019-06-15": "",
    "timestamp=2019-06-01,2019-07-01": "AD",
    "timestamp=ne:2019-07-01": "ABCE",
    "timestamp=gt:2019-06-15T12:00:00Z": "CDE",
    "timestamp=gte:2019-06-15T12:00:00Z": "BCDE",
    "timestamp=lt:2019-07-01": "ABC",
    "timestamp=lte:2019-07-01": "ABCD",
    "timestamp=gte:2019-06-01&timestamp=lt:2019-07-01": "ABC",
    "timestamp=gte:2019-06-02&value=lt:70": "BC",
    "start_at=2019-06-15T12:00:00Z": "BCDE",
    "start_at=2019-06-15T12:00:00.001Z": "CDE",
    "start_at=2019-07-01": "DE",
    "end_at=2019-06-15T12:00:00Z": "A",
    "end_at=2019-06-15T12:00:00.001Z": "AB",
    "end_at=2019-07-01": "ABC",
    "start_at=2019-06-15&end_at=2019-07-01": "BC",
    "start_at=2019-06-15&end_at=2019-07-01&value=ne:62": "C",
    "start_at=2019-06-15T12:00:00Z&end_at=2019-06-15T12:00:00Z": "",
    "start_at=2019-07-02&end_at=2019-06-02": "",
    "start_at=2019-06-30&period=1d": "C",
    "start_at=2019-06-17&period=2w": "C",
    "start_at=2019-06-16&period=2w": "",
    "start_at=2019-06-01&period=1m": "ABC",
    "start_at=2019-06-01T00:00:00.001Z&period=1m": "BCD",
    "start_at=2019-06-01&period=9m": "ABCDE",
    "start_at=2019-06-01&period=8m": "ABCD",
    "start_at=2019-03-01&period=1y": "ABCDE",
    "start_at=2018-07-01&period=1y": "ABC",
    "end_at=2019-07-01&period=1d": "C",
    "end_at=2019-07-01&period=1m": "ABC",
    "end_at=2019-07-01&period=2w": "C",
    "end_at=2020-06-01&period=1y": "ABCDE",
    "end_at=2020-06-02&period=1y": "BCDE",
    "end_at=2019-07-01T00:00:00.001Z&period=1m": "BCD",
    "end_at=today&period=1d": "",
    "end_at=today": "ABCDE",
    "start_at=today": "",
    "period=7d": "",
    "period=100y": "ABCDE",
}

FILTERS_OF_UNITS = {
    "unit=kg": "AB",
    "unit=k*": "AB",
    "unit=*kg": "ABE",
    "unit=*t*": "D",
    "unit=*": "ABCDE",
    "unit=k*g": "AB",
    "unit=s*n*": "D",
    "unit=kg,lb": "ABC",
    "unit=k*,s*": "ABD",
    "unit=ne:kg": "CDE",
    "unit=kg&unit=lb": "",
    "unit=k_": "",
    "unit=k%25": "",
    "unit=100%25_*": "E",
    "unit=100%25%25*": "",
    "unit=%27%20or%20%271%27=%271": "",
    "unit=kg&value=gt:60": "B",
}

BAD_FILTERS = [
    ("value", "value=abc"),
    ("value", "value="),
    ("value", "value=gt:"),
    ("value", "value=gt:abc"),
    ("value", "value=foo:62"),
    ("value", "value=gt:gt:62"),
    ("value", "value=62,abc"),
    ("value", "value=62&value=abc"),
    ("value", "value=nan"),
    ("value", "value=NaN"),
    ("value", "value=inf"),
    ("value", "value=1e400"),
    ("value", "value=62%00"),
    ("timestamp", "timestamp=yesterday"),
    ("timestamp", "timestamp="),
    ("timestamp", "timestamp=gte:2019-13-01"),
    ("timestamp", "timestamp=2019-02-29"),
    ("timestamp", "timestamp=lt:2019-06"),
    ("timestamp", "timestamp=5"),
    ("unit", "unit=k%00"),
    ("colour", "colour=red"),
    ("body_fat", "body_fat=20.1"),
    ("child_id", "child_id=0123456789abcdef01234567"),
    ("Value", "Value=62"),
    ("start_at", "start_at=abc"),
    ("start_at", "start_at="),
    ("start_at", "start_at=2019-02-29"),
    ("end_at", "end_at=2019-06-31"),
    ("end_at", "end_at=5"),
    ("period", "period="),
    ("period", "period=d"),
    ("period", "period=7"),
    ("period", "period=7x"),
    ("period", "period=-7d"),
    ("period", "period=1.5m"),
    ("period", "period=7d1m"),
]

ROWS = [(kind, *row) for kind in KINDS for row in FILTERS.items()]
ROWS += [(WEIGHT, *row) for row in FILTERS_OF_UNITS.items()]
ROWS += [(BODY_FAT, "unit=%25", "ABCDE"), (BODY_FAT, "unit=kg", ""), (BODY_FAT, "unit=ne:%25", "")]


@pytest.fixture(scope="module")
def filtered_child(people: People, application: Api) -> User:
    child = people.child()
    for kind in KINDS:
        for reading in READINGS.values():
            kind.record(application, child.id, **reading)
    return child


@pytest.mark.parametrize(
    ("kind", "query", "names"), ROWS, ids=[f"{kind.collection} {query}" for kind, query, _ in ROWS]
)
def test_a_filter_keeps_what_matches_and_the_total_counts_it(
    kind: Kind, query: str, names: str, application: Api, filtered_child: User
) -> None:
    response = application.get(f"{kind.path(filtered_child.id)}?sort=timestamp&{query}")
    assert 200 == response.status_code, response.text
    assert [READINGS[name]["value"] for name in names] == [item["value"] for item in response.json()]
    assert str(len(names)) == response.headers["x-total-count"]


@each_kind
def test_a_page_of_a_filtered_list_counts_all_that_match(kind: Kind, application: Api, filtered_child: User) -> None:
    response = application.get(f"{kind.path(filtered_child.id)}?value=gte:62&sort=-value&page=2&limit=3")
    assert ([62], "4") == ([item["value"] for item in response.json()], response.headers["x-total-count"])


@each_kind
@pytest.mark.parametrize(("name", "query"), BAD_FILTERS, ids=[query for _, query in BAD_FILTERS])
def test_a_filter_that_cannot_be_read_is_refused_by_name(
    kind: Kind, name: str, query: str, application: Api, filtered_child: User
) -> None:
    body = refused(application.get(f"{kind.path(filtered_child.id)}?{query}"))
    assert refusals.fields(body["description"]) == body
    assert name in body["description"]


@each_kind
def test_start_end_and_period_together_are_refused(kind: Kind, application: Api, filtered_child: User) -> None:
    query = "start_at=2019-06-01&end_at=2019-07-01&period=1m"
    body = refused(application.get(f"{kind.path(filtered_child.id)}?{query}"))
    assert refusals.fields(body["description"]) == body


@each_kind
@pytest.mark.parametrize("query", ["period=99999999999999999999y", "start_at=2019-06-01&period=99999999999d"])
def test_a_period_without_end_is_no_server_fault(
    kind: Kind, query: str, application: Api, filtered_child: User
) -> None:
    response = application.get(f"{kind.path(filtered_child.id)}?{query}")
    assert response.status_code in (200, 400), response.text


@each_kind
@pytest.mark.parametrize(
    ("period", "inside", "outside"),
    [("1d", 0, 2), ("7d", 6, 8), ("4w", 27, 29), ("3m", 88, 93), ("1y", 364, 367)],
)
def test_a_period_alone_is_the_last_of_that_length_up_to_now(
    kind: Kind, period: str, inside: int, outside: int, application: Api, child: User
) -> None:
    now = datetime.now(UTC)
    moments = [
        now - timedelta(days=inside, minutes=1),
        now - timedelta(days=outside),
        now + timedelta(hours=1),
    ]
    for moment in moments:
        kind.record(application, child.id, timestamp=stamp(moment))
    listed = kind.listed(application, child.id, f"period={period}")
    assert [stamp(moments[0])] == [item["timestamp"] for item in listed]


@each_kind
def test_today_is_its_midnight_in_utc(kind: Kind, application: Api, child: User) -> None:
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    before, at = stamp(midnight - timedelta(milliseconds=1)), stamp(midnight)
    for moment in (before, at):
        kind.record(application, child.id, timestamp=moment)
    listed = {bound: kind.listed(application, child.id, f"{bound}=today") for bound in ("start_at", "end_at")}
    assert [at] == [item["timestamp"] for item in listed["start_at"]]
    assert [before] == [item["timestamp"] for item in listed["end_at"]]
