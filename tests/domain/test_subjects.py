"""Which subjects an event is about."""

import pytest

from domain.catalogue import EVENTS
from domain.event import Event
from domain.group import GroupRevised
from domain.partition import ACCOUNTS, stream
from domain.subjects import WITH_OTHERS, Subjects, outcome_of, subject_of
from tests import examples
from tests.examples import CHILD, EDUCATOR, FAMILY, GROUP, OTHER_CHILD

FAMILY_STREAM = stream(ACCOUNTS, FAMILY)
GROUP_STREAM = stream(ACCOUNTS, GROUP)


def about(events: list[Event], *ids: str) -> list[set[str]]:
    """Of each event, those of some ids that it is about."""
    found = []
    subjects = Subjects()
    for event in events:
        before = dict(subjects.children)
        others = subjects.others(event)
        found.append({id for id in ids if id == subject_of(event) or id in others})
        assert found[-1] == {id for id in ids if Subjects(dict(before)).is_about(event, id)}
    return found


def family(**changes: object) -> Event:
    return examples.user_registered(originator_id=FAMILY_STREAM, user_id=FAMILY, role="family", **changes)


@pytest.mark.parametrize("kind", EVENTS.values(), ids=EVENTS)
def test_every_event_is_about_something(kind: type[Event]) -> None:
    (event, *_) = [example for example in examples.EVENTS if type(example) is kind]
    assert subject_of(event)
    assert kind in WITH_OTHERS or not Subjects().others(event)


def test_the_events_of_a_group_are_about_its_owner_and_the_children_before_and_after() -> None:
    group = {"originator_id": GROUP_STREAM, "group_id": GROUP, "owner_id": EDUCATOR}
    events = [
        examples.group_formed(**group, children=(CHILD,)),
        examples.group_revised(**group, originator_version=2, children=(OTHER_CHILD,)),
        examples.group_revised(**group, originator_version=3, children=(OTHER_CHILD,), name="other"),
        examples.group_disbanded(**group, originator_version=4),
    ]
    assert isinstance(events[1], GroupRevised)
    both, rest = {GROUP, EDUCATOR, CHILD, OTHER_CHILD}, {GROUP, EDUCATOR, OTHER_CHILD}
    assert [both - {OTHER_CHILD}, both, rest, rest] == about(events, *both)


def test_the_events_of_a_family_are_about_its_children() -> None:
    linked = {"originator_id": FAMILY_STREAM, "family_id": FAMILY}
    events = [
        family(children=(CHILD,)),
        examples.family_linked(**linked, originator_version=2, child_id=OTHER_CHILD),
        examples.password_changed(originator_id=FAMILY_STREAM, user_id=FAMILY, originator_version=3),
        examples.family_unlinked(**linked, originator_version=4, child_id=CHILD),
        examples.user_removed(originator_id=FAMILY_STREAM, user_id=FAMILY, role="family", originator_version=5),
    ]
    assert [
        {FAMILY, CHILD},
        {FAMILY, OTHER_CHILD},
        {FAMILY},
        {FAMILY, CHILD},
        {FAMILY, OTHER_CHILD},
    ] == about(events, FAMILY, CHILD, OTHER_CHILD)


def test_an_entry_is_about_its_outcome_too() -> None:
    assert examples.OUTCOME == outcome_of(examples.entry_recorded())
    assert Subjects().is_about(examples.entry_recorded(), examples.OUTCOME)
