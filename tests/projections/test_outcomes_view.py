"""The rollups of outcomes equal their values exactly, however the pages of the log end or repeat."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Cursor, sql
from psycopg.sql import Identifier

from domain.event import Event
from domain.partition import stream
from projections.views.outcomes import Outcomes, source_of
from projections.views.view import Page, PositionedEvent
from tests.examples import (
    INSTITUTION,
    NOON,
    OUTCOME,
    entry_recorded,
    measurement_removed,
    measurements_withdrawn,
    weight_recorded,
    weight_revised,
)

CHILDREN = ("5a62be07d6f33400146c9b61", "5a62be07d6f33400146c9b62")
IDS = tuple(f"{number:024x}" for number in range(6))
EXACT = Context(prec=1_000)

VIEW = Outcomes()

Log = dict[int, list[Event]]
Values = dict[tuple[int, str, str], tuple[str, str, date, Decimal]]
"""Partition, subject and id → source, unit, day, value."""

relaxed = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)

instants = st.sampled_from([NOON + timedelta(hours=6 * number) for number in range(8)])
decimals = st.from_regex(r"-?[0-9]{1,19}(\.[0-9]{1,19})?", fullmatch=True)
doubles = st.floats(min_value=0, max_value=1e300, allow_subnormal=False) | st.sampled_from([0.0, 0.1, 70.2])


def entries(subject: str) -> st.SearchStrategy[Event]:
    return st.builds(
        lambda id, at, value: entry_recorded(
            originator_id=stream(subject, id), entry_id=id, subject_id=subject, happened_at=at, value=value
        ),
        st.sampled_from(IDS),
        instants,
        decimals,
    )


def measurements(child: str) -> st.SearchStrategy[Event]:
    def said(id: str, at: Any, value: float, unit: str, institution: str) -> dict[str, Any]:
        own = {"originator_id": stream(child, f"m{id}"), "child_id": child, "institution_id": institution}
        return own | {"happened_at": at, "value": value, "unit": unit}

    members = st.builds(
        said,
        st.sampled_from(IDS),
        instants,
        doubles,
        st.sampled_from(["kg", "lb"]),
        st.sampled_from([INSTITUTION, "i"]),
    )
    removed = st.sampled_from(IDS).map(
        lambda id: measurement_removed(originator_id=stream(child, f"m{id}"), child_id=child)
    )
    return st.one_of(
        members.map(lambda told: weight_recorded(**told)), members.map(lambda told: weight_revised(**told)), removed
    )


def logs() -> st.SearchStrategy[Log]:
    def of(child: str) -> st.SearchStrategy[list[Event]]:
        withdrawn = st.just(measurements_withdrawn(originator_id=stream(child, "measurements"), child_id=child))
        return st.lists(st.one_of(entries(child), measurements(child), measurements(child), withdrawn), max_size=12)

    return st.fixed_dictionaries({0: of(CHILDREN[0]), 1: of(CHILDREN[1])})


def valid(events: Iterable[Event]) -> list[Event]:
    """Only what can be in a log: an id is recorded once, and revised only while it is there."""
    there: set[str] = set()
    ever: set[str] = set()
    kept = []
    for event in events:
        stream_id, name = event.originator_id, event.stored_name
        if name in ("entry.recorded.v1", "measurement.recorded.v1"):
            if stream_id in ever:
                continue
            there.add(stream_id)
            ever.add(stream_id)
        elif name == "measurements.withdrawn.v1":
            there = {each for each in there if "/m" not in each}
        elif stream_id not in there:
            continue
        elif name == "measurement.removed.v2":
            there.discard(stream_id)
        kept.append(event)
    return kept


def values_of(log: Log) -> Values:
    """Event by event, as plainly as can be."""
    values: Values = {}
    for part, events in log.items():
        for event in events:
            said: Any = event
            id = event.originator_id.partition("/")[2]
            match event.stored_name:
                case "entry.recorded.v1":
                    day = event.happened_at.date()
                    values[part, said.subject_id, id] = (OUTCOME, "", day, Decimal(said.value))
                case "measurement.recorded.v1" | "measurement.revised.v1":
                    source = source_of(said.institution_id, said.kind)
                    told = source, said.unit, event.happened_at.date(), Decimal(repr(said.value))
                    values[part, said.child_id, id] = told
                case "measurement.removed.v2":
                    values.pop((part, said.child_id, id), None)
                case _:
                    values = {
                        key: value
                        for key, value in values.items()
                        if key[:2] != (part, said.child_id) or value[0] == OUTCOME
                    }
    return values


def rolled(values: Values, *, by_subject: bool) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """What the rows of a rollup must say."""
    groups: dict[tuple[Any, ...], list[Decimal]] = defaultdict(list)
    for (part, subject, _), (source, unit, day, value) in values.items():
        groups[(part, source, unit, *([subject] if by_subject else []), day)].append(value)
    zero = Decimal(0)
    return {
        key: (
            len(found),
            _sum(found, zero),
            _sum([EXACT.multiply(each, each) for each in found], zero),
            float(min(found)),
            float(max(found)),
        )
        for key, found in groups.items()
    }


def _sum(numbers: Sequence[Decimal], zero: Decimal) -> Decimal:
    total = zero
    for number in numbers:
        total = EXACT.add(total, number)
    return total


def placed(log: Log) -> Page:
    return [PositionedEvent(part, seq, event) for part, events in log.items() for seq, event in enumerate(events, 1)]


@pytest.fixture(scope="module")
def cursor(new_database: Any) -> Any:
    with psycopg.connect(new_database()) as connection, connection.cursor() as cursor:
        yield cursor
        connection.rollback()


TABLES = {table: Identifier(f"tried_{table}") for table in VIEW.tables}
COLUMNS = "count, sum, sum_squares, minimum, maximum"


def tables_after(cursor: Cursor[Any], pages: Iterable[Page]) -> dict[str, list[Any]]:
    with cursor.connection.transaction(force_rollback=True):
        VIEW.create(cursor, TABLES)
        for page in pages:
            if page:
                VIEW.write(cursor, TABLES, page)
        found = {
            name: cursor.execute(sql.SQL("select t::text from {} t order by 1").format(table)).fetchall()
            for name, table in TABLES.items()
        }
        for name, key in (("subject_days", "part, source, unit, subject_id, day"), ("days", "part, source, unit, day")):
            statement = f"select {key}, {COLUMNS} from tried_{name} order by {key}"
            found[f"{name} read"] = cursor.execute(statement.encode()).fetchall()
    return found


@relaxed
@given(log=logs())
def test_rollups_are_the_exact_sums_of_the_values(cursor: Cursor[Any], log: Log) -> None:
    log = {part: valid(events) for part, events in log.items()}
    found = tables_after(cursor, [placed(log)])
    values = values_of(log)
    assert len(values) == len(found["entries"])
    for name, width in (("subject_days", 5), ("days", 4)):
        expected = rolled(values, by_subject=width == 5)
        assert expected == {row[:width]: row[width:] for row in found[f"{name} read"]}


@relaxed
@given(log=logs(), cut=st.integers(1, 5), twice=st.booleans())
def test_rebuilt_rollups_equal_live_ones_bit_for_bit(cursor: Cursor[Any], log: Log, cut: int, twice: bool) -> None:
    events = placed({part: valid(events) for part, events in log.items()})
    live = [events[start : start + cut] for start in range(0, len(events), cut)]
    assert tables_after(cursor, [events]) == tables_after(cursor, [page for page in live for _ in range(1 + twice)])


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/St_Johns", "Pacific/Kiritimati"])
def test_rollups_use_utc_days_whatever_the_time_zone_of_the_session(cursor: Cursor[Any], zone: str) -> None:
    start = datetime(2026, 3, 28, tzinfo=UTC)  # the clocks of Berlin change on the next day
    log: Log = {0: [], 1: []}
    for number in range(60):
        at, id = start + timedelta(hours=1.5 * number), f"{number:024x}"
        stream_id = stream(CHILDREN[0], id)
        log[0].append(
            entry_recorded(
                originator_id=stream_id, entry_id=id, subject_id=CHILDREN[0], happened_at=at, value=f"{number}"
            )
        )
    with cursor.connection.transaction(force_rollback=True):
        cursor.execute("select set_config('timezone', %s, true)", [zone])
        found = tables_after(cursor, [placed(log)])
    expected = rolled(values_of(log), by_subject=False)
    assert expected == {row[:4]: row[4:] for row in found["days read"]}
