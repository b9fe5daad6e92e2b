"""Compares the outcomes and entries of a log with those of the model."""

from collections.abc import Collection
from typing import Any

from psycopg import Connection

from domain import entry, outcome
from domain.entry import EntryRecorded
from tests.application.conftest import AnyLog
from tests.application.outcome_strategies import OutcomeCommands
from tests.application.stored_events import look_up

ROWS = "select id, name, brand_id, metric_key, description, unit, direction from outcomes where id = any (%(ids)s)"


def check_outcomes(
    log: AnyLog, drawn: OutcomeCommands, recorded: Collection[EntryRecorded], session: Connection[Any] | None
) -> None:
    """AssertionError if the log and the model differ. `recorded`: all entries in the log. `session`: a second session
    with the database of the log, if it has one."""
    check_known(log, drawn)
    check_entries(log, drawn, recorded)
    if session is not None:
        rows = session.execute(ROWS.encode(), {"ids": drawn.created}).fetchall()
        assert {
            (id, it.name, it.brand_id, it.metric_key, it.description, it.unit, it.direction)
            for id, it in drawn.outcomes.definitions.items()
        } == set(rows)
        assert len(drawn.created) == len(rows)


def check_known(log: AnyLog, drawn: OutcomeCommands) -> None:
    """Compare what the next command would look up."""
    definitions = drawn.outcomes.definitions
    names = {outcome.key(each): (each.brand_id, each.metric_key, each.name) for each in drawn.definitions()}
    streams = {id: outcome.stream_of(id) for id in drawn.created}
    known = look_up(log, outcomes=set(drawn.created), keys=set(names), histories=set(streams.values()))
    assert {id: it.brand_id for id, it in definitions.items()} == {id: known.brand_of(id) for id in drawn.created}
    called = {(it.brand_id, it.metric_key, it.name): outcome.stream_of(id) for id, it in definitions.items()}
    assert [called.get(name) for name in names.values()] == [known.holder(key) for key in names]
    last = {id: outcome.fold(known.history(stream)) for id, stream in streams.items()}
    assert definitions == {id: state.definition for id, state in last.items() if state is not None}


def check_entries(log: AnyLog, drawn: OutcomeCommands, recorded: Collection[EntryRecorded]) -> None:
    """Every accepted entry is stored once, as it was sent, and holds its dedupe key."""
    expected = drawn.outcomes.entries
    there = {(event.outcome_id, event.subject_id, event.happened_at): event for event in recorded}
    assert len(there) == len(recorded)
    assert {moment: (it.brand_id, it.value, it.metadata) for moment, it in expected.items()} == {
        moment: (event.brand_id, event.value, event.metadata) for moment, event in there.items()
    }
    keys = {entry.key(*moment): event.originator_id for moment, event in there.items()}
    known = look_up(log, keys=set(keys))
    assert list(keys.values()) == [known.holder(key) for key in keys]
