"""Which events may follow which in a stream, and the state after each of them."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from domain.catalogue import EVENTS
from domain.event import Event
from domain.group import Group
from domain.history import AGGREGATES, aggregate_of, impossible, states
from domain.institution import Institution
from domain.measurement import Measurement
from domain.outcome import Outcome
from domain.partition import stream
from domain.user import User
from tests import examples
from tests.examples import (
    CHILD,
    FAMILY,
    NOON,
    RECORDED_AT,
    audit_read,
    body_fat_recorded,
    body_fat_revised,
    definition,
    entry_recorded,
    family_linked,
    family_unlinked,
    group_disbanded,
    group_formed,
    group_revised,
    institution_registered,
    institution_removed,
    measurement_removed,
    measurements_withdrawn,
    outcome_created,
    outcome_revised,
    password_changed,
    user_registered,
    user_removed,
    weight_recorded,
    weight_revised,
)

History = Sequence[Event]

EXAMPLES: dict[type[Event], Event] = {type(event): event for event in examples.EVENTS}

POSSIBLE: dict[str, History] = {
    "a weight": [weight_recorded()],
    "a weight that is removed": [weight_recorded(), measurement_removed()],
    "a body fat revised twice": [body_fat_recorded(), body_fat_revised(), body_fat_revised(originator_version=3)],
    "a weight revised and removed": [weight_recorded(), weight_revised(), measurement_removed(originator_version=3)],
    "a withdrawal": [measurements_withdrawn()],
    "an entry": [entry_recorded()],
    "an outcome revised twice": [outcome_created(), outcome_revised(), outcome_revised(originator_version=3)],
    "a user": [user_registered()],
    "a user who changes the password and goes": [user_registered(), password_changed(), user_removed()],
    "a family with a child, without, and with it again": [
        user_registered(role="family"),
        family_linked(),
        family_unlinked(),
        family_linked(originator_version=4),
    ],
    "a group": [group_formed(), group_revised(), group_disbanded()],
    "an institution": [institution_registered(), institution_removed()],
    "a reading": [audit_read()],
    "nothing yet": [],
}

IMPOSSIBLE: dict[str, tuple[History, str]] = {
    "a removal first": (
        [measurement_removed()],
        "no stream begins with measurement.removed.v2",
    ),
    "recorded twice": (
        [weight_recorded(), weight_recorded(originator_version=2)],
        "measurement.recorded.v1 cannot follow in the history of this measurement",
    ),
    "revised after the removal": (
        [weight_recorded(), measurement_removed(), weight_revised(originator_version=3)],
        "measurement.revised.v1 follows measurement.removed.v2, which ends the measurement",
    ),
    "removed twice": (
        [weight_recorded(), measurement_removed(), measurement_removed(originator_version=3)],
        "measurement.removed.v2 follows measurement.removed.v2, which ends the measurement",
    ),
    "a fact of another aggregate in the middle": (
        [group_formed(), outcome_revised(), group_revised(originator_version=3)],
        "outcome.revised.v1 cannot follow in the history of this group",
    ),
    "an entry that goes on": (
        [entry_recorded(), entry_recorded(originator_version=2)],
        "entry.recorded.v1 cannot follow in the history of this entry",
    ),
    "a reading that is removed": (
        [audit_read(), measurement_removed()],
        "measurement.removed.v2 cannot follow in the history of this audit read",
    ),
    "a password after the user went": (
        [user_registered(), user_removed(), password_changed(originator_version=3)],
        "user.password_changed.v1 follows user.removed.v1, which ends the user",
    ),
    "recorded before the one before": (
        [
            institution_registered(),
            institution_removed(origin=examples.origin(recorded_at=RECORDED_AT - timedelta(microseconds=1))),
        ],
        "institution.removed.v1 was recorded before institution.registered.v1",
    ),
}


@pytest.mark.parametrize("history", POSSIBLE.values(), ids=POSSIBLE)
def test_possible_histories_are_possible(history: History) -> None:
    assert impossible(history) is None


@pytest.mark.parametrize("history", POSSIBLE.values(), ids=POSSIBLE)
def test_every_start_of_a_possible_history_is_possible(history: History) -> None:
    assert [None] * len(history) == [impossible(history[:length]) for length in range(1, len(history) + 1)]


@pytest.mark.parametrize(("history", "why"), IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_impossible_histories_have_a_reason(history: History, why: str) -> None:
    assert why == impossible(history)


def test_every_event_belongs_to_exactly_one_aggregate() -> None:
    facts = Counter(event for begins, each in AGGREGATES.items() for event in (begins, *each.continues, *each.ends))
    assert dict.fromkeys(EVENTS.values(), 1) == facts


def test_an_aggregate_is_found_by_the_first_event_of_a_stream() -> None:
    assert list(AGGREGATES) == [each.begins for each in AGGREGATES.values()]
    titles = [each.title for each in AGGREGATES.values()]
    assert sorted(set(titles)) == sorted(titles)
    for kind, event in EXAMPLES.items():
        assert AGGREGATES.get(kind) is aggregate_of([event])
    assert aggregate_of([]) is None


@pytest.mark.parametrize("first", EVENTS.values(), ids=EVENTS)
@pytest.mark.parametrize("second", EVENTS.values(), ids=EVENTS)
def test_an_event_may_follow_the_first_event_of_its_own_aggregate_only(first: type[Event], second: type[Event]) -> None:
    aggregate = AGGREGATES.get(first)
    allowed = aggregate is not None and second in (*aggregate.continues, *aggregate.ends)
    assert allowed is (impossible([EXAMPLES[first], EXAMPLES[second]]) is None)


# States


def measured(event: Any, **changes: Any) -> Measurement:
    members = ("child_id", "institution_id", "kind", "value", "unit", "companion_value", "companion", "carrier")
    of_event = {name: getattr(event, name) for name in members}
    state = Measurement(event.originator_id, event.originator_version, taken_at=event.happened_at, **of_event)
    return replace(state, **changes)


HASH, OTHER_HASH = user_registered().password_hash, password_changed().password_hash
OF_ANA = user_registered().institution_id, user_registered().profile, user_registered().children
FORMED, FOUNDED = group_formed(), institution_registered()

STATES: dict[str, tuple[History, list[Any]]] = {
    "a weight that loses its body fat and is removed": (
        [
            weight_recorded(body_fat=20.1),
            weight_revised(value=70.9, companion=None),
            measurement_removed(originator_version=3),
        ],
        [
            measured(weight_recorded(), companion_value=20.1, companion=stream(CHILD, examples.BODY_FAT)),
            measured(weight_recorded(), version=2, value=70.9),
            None,
        ],
    ),
    "a body fat with another value": (
        [body_fat_recorded(), body_fat_revised(value=19.4)],
        [
            measured(body_fat_recorded(), taken_at=NOON),
            measured(body_fat_recorded(), version=2, value=19.4, carrier=stream(CHILD, examples.WEIGHT)),
        ],
    ),
    "an outcome": (
        [outcome_created(), outcome_revised()],
        [
            Outcome(1, examples.OUTCOME, definition()),
            Outcome(2, examples.OUTCOME, outcome_revised().definition),
        ],
    ),
    "a user": (
        [user_registered(), password_changed(), user_removed(originator_version=3)],
        [
            User(1, CHILD, "child", "Ana Maria", HASH, *OF_ANA),
            User(2, CHILD, "child", "Ana Maria", OTHER_HASH, *OF_ANA, password_changes=1),
            None,
        ],
    ),
    "a family": (
        [user_registered(user_id=FAMILY, role="family"), family_linked(), family_unlinked()],
        [
            User(version, FAMILY, "family", "Ana Maria", HASH, *OF_ANA[:2], children)
            for version, children in ((1, ()), (2, (CHILD,)), (3, ()))
        ],
    ),
    "a group": (
        [FORMED, group_revised(), group_disbanded(originator_version=3)],
        [
            Group(1, FORMED.group_id, FORMED.owner_id, "4.º B", FORMED.children, "4B"),
            Group(2, FORMED.group_id, FORMED.owner_id, "5.º B", (CHILD,), "5B"),
            None,
        ],
    ),
    "an institution": (
        [FOUNDED, institution_removed()],
        [
            Institution(
                1,
                FOUNDED.institution_id,
                FOUNDED.type,
                FOUNDED.name,
                FOUNDED.address,
                FOUNDED.latitude,
                FOUNDED.longitude,
            ),
            None,
        ],
    ),
    "what says all there is to say": ([entry_recorded()], [None]),
    "a reading": ([audit_read()], [None]),
    "a withdrawal": ([measurements_withdrawn()], [None]),
    "what nothing begins with": ([measurement_removed()], [None]),
    "nothing": ([], []),
}


@pytest.mark.parametrize(("history", "expected"), STATES.values(), ids=STATES)
def test_an_aggregate_has_a_state_after_each_event(history: History, expected: list[Any]) -> None:
    assert expected == list(states(history))


@pytest.mark.parametrize(("history", "expected"), STATES.values(), ids=STATES)
def test_a_state_does_not_depend_on_later_events(history: History, expected: list[Any]) -> None:
    for length in range(len(history) + 1):
        assert expected[:length] == list(states(history[:length]))
