"""The envelope that the processor adds to the facts of a decision."""

from datetime import timedelta

from application.envelope import events_of
from domain.event import Fact
from domain.measurement import MeasurementsWithdrawn
from domain.user import UserRemoved
from tests.examples import CHILD, NOON, RECORDED_AT, origin

REMOVED = Fact("a/user", UserRemoved(user_id=CHILD, role="child", username="Ana"))
WITHDRAWN = Fact("b/measurements", MeasurementsWithdrawn(child_id=CHILD), happened_at=NOON + timedelta(hours=1))
VERSIONS = {"a/user": 3, "b/measurements": 0}


def test_the_command_causes_the_first_fact_which_causes_the_others() -> None:
    events = events_of([REMOVED, WITHDRAWN, WITHDRAWN], VERSIONS.__getitem__, origin=origin(), cause="remove_user")
    assert ["remove_user", "a/user:4", "a/user:4"] == [event.cause for event in events]


def test_an_event_has_the_version_after_the_last_of_its_stream() -> None:
    events = events_of([REMOVED, WITHDRAWN], VERSIONS.__getitem__, origin=origin(), cause="x")
    assert [("a/user", 4), ("b/measurements", 1)] == [(each.originator_id, each.originator_version) for each in events]


def test_a_fact_without_a_time_of_its_own_happens_when_it_is_recorded() -> None:
    events = events_of([REMOVED, WITHDRAWN], VERSIONS.__getitem__, origin=origin(), cause="x")
    assert [RECORDED_AT, NOON + timedelta(hours=1)] == [event.happened_at for event in events]


def test_events_of_facts_have_a_complete_envelope_and_the_facts_have_none() -> None:
    events = events_of([REMOVED, WITHDRAWN], VERSIONS.__getitem__, origin=origin(), cause="x")
    assert all(event.has_envelope for event in events)
    assert not any(fact.event.has_envelope for fact in (REMOVED, WITHDRAWN))
