"""Every event has a permanent name, and its stored states can always be decoded."""

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from msgspec import Raw

from domain.catalogue import EVENTS, OLDER, Undecodable, decode, encode, latest_name, names_of, versions_of
from domain.event import Event
from domain.measurement import MeasurementRemoved
from tests import examples

STORED = msgspec.json.decode((Path(__file__).parent / "stored_events.json").read_bytes(), type=dict[str, list[Raw]])
"""Name → literal texts, as they stand in logs for ever. Lines are added, never changed."""

PAIRS = [(name, bytes(state)) for name, states in STORED.items() for state in states]
LATEST = [(name, state) for name, state in PAIRS if name in EVENTS]
OUTDATED = [(name, state) for name, state in PAIRS if name in OLDER]


def kinds_of(event: type[Event]) -> Iterator[type[Event]]:
    for kind in event.__subclasses__():
        if kind.__module__.startswith("domain."):
            yield kind
            yield from kinds_of(kind)


def test_every_event_is_in_the_catalogue_under_its_stored_name() -> None:
    assert {kind.stored_name: kind for kind in kinds_of(Event)} == EVENTS


def test_no_two_events_share_a_stored_name() -> None:
    names = [kind.stored_name for kind in kinds_of(Event)]
    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize("name", EVENTS)
def test_a_stored_name_has_a_version(name: str) -> None:
    assert re.fullmatch(r"[a-z_.]+\.v\d+", name)


@pytest.mark.parametrize("kind", EVENTS.values(), ids=EVENTS)
def test_every_event_class_has_a_stored_name_of_its_own(kind: type[Event]) -> None:
    assert "stored_name" in vars(kind)


def test_every_event_has_an_example() -> None:
    assert set(EVENTS) == {event.stored_name for event in examples.EVENTS}


def test_every_event_has_a_stored_example() -> None:
    assert {*EVENTS, *OLDER} == set(STORED)


def test_every_older_version_of_an_event_leads_to_a_current_one() -> None:
    assert not set(EVENTS) & set(OLDER)
    assert {latest_name(name) for name in OLDER} <= set(EVENTS)


@pytest.mark.parametrize("name", OLDER)
def test_a_step_leads_to_the_next_version_of_the_event(name: str) -> None:
    (former, version), (latter, next_version) = (each.rsplit(".v", 1) for each in (name, OLDER[name][0]))
    assert (former, int(version) + 1) == (latter, int(next_version))


@pytest.mark.parametrize(("name", "state"), OUTDATED, ids=[name for name, _ in OUTDATED])
def test_an_event_of_an_older_version_is_decoded_as_the_latest(name: str, state: bytes) -> None:
    event = decode(name, state)
    assert latest_name(name) == event.stored_name
    assert event == decode(event.stored_name, encode(event))


def test_a_removal_of_version_1_has_no_institution() -> None:
    (state,) = [state for name, state in OUTDATED if name == "measurement.removed.v1"]
    assert examples.measurement_removed(institution_id=None) == decode("measurement.removed.v1", state)


def test_the_names_of_an_event_include_its_older_versions() -> None:
    assert {"measurement.removed.v1", "measurement.removed.v2"} == names_of([MeasurementRemoved])


@pytest.mark.parametrize("kind", EVENTS.values(), ids=EVENTS)
def test_every_member_of_an_event_is_in_a_stored_example(kind: type[Event]) -> None:
    stored = [msgspec.json.decode(state, type=dict[str, Raw]) for state in STORED[kind.stored_name]]
    assert set(kind.__struct_encode_fields__) == set().union(*stored)


def test_stored_states_are_decoded_as_the_examples() -> None:
    assert sorted(examples.EVENTS, key=repr) == sorted((decode(name, state) for name, state in LATEST), key=repr)


@pytest.mark.parametrize(("name", "state"), LATEST, ids=[name for name, _ in LATEST])
def test_decoded_states_are_encoded_to_the_same_bytes(name: str, state: bytes) -> None:
    event = decode(name, state)
    assert state == encode(event)
    assert name == event.stored_name


@pytest.mark.parametrize(("name", "state"), PAIRS, ids=[name for name, _ in PAIRS])
def test_unknown_members_of_a_state_are_ignored(name: str, state: bytes) -> None:
    assert decode(name, state) == decode(name, state[:-1] + b',"of_tomorrow":1}')


@pytest.mark.parametrize("state", [b"", b"{}", b"null", b"[]", b"{", b'"\xff"', b'{"originator_id":1}'])
def test_a_state_that_is_no_event_of_its_name_is_undecodable(state: bytes) -> None:
    for name in EVENTS:
        with pytest.raises(Undecodable):
            decode(name, state)


def test_an_unknown_stored_name_is_undecodable() -> None:
    with pytest.raises(Undecodable):
        decode("measurement.recorded.v0", PAIRS[0][1])


def test_a_name_without_its_version_stands_for_every_version() -> None:
    both = {"measurement.removed.v1", "measurement.removed.v2"}
    assert both | {"measurement.removed"} == versions_of("measurement.removed")
    assert {"measurement.removed.v2"} == versions_of("measurement.removed.v2")
    assert {"measurement"} == versions_of("measurement")


@pytest.mark.parametrize("member", ["originator_id", "originator_version", "happened_at", "origin", "cause"])
def test_a_state_without_a_part_of_its_envelope_is_undecodable(member: str) -> None:
    name, state = LATEST[0]
    members = msgspec.json.decode(state)
    assert decode(name, encode(members)), "complete, it is decoded"
    del members[member]
    with pytest.raises(Undecodable):
        decode(name, encode(members))
