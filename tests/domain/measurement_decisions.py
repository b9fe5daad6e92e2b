"""Decisions about measurements, for the tests."""

from domain import measurement
from domain.event import Fact
from domain.measurement import Reading
from domain.partition import stream
from tests.examples import BODY_FAT, CHILD, INSTITUTION, WEIGHT
from tests.given import Decision, KnownEvents


def record(reading: Reading, *ids: str) -> Decision:
    """`ids` are the new ids, first that of the reading."""
    new_id = iter(ids or ((WEIGHT, BODY_FAT) if reading.kind == "weight" else (BODY_FAT,))).__next__
    return lambda known: measurement.record(reading, known, institution_id=INSTITUTION, new_id=new_id)


def remove(id: str) -> Decision:
    def decide(known: KnownEvents) -> list[Fact]:
        there = measurement.fold(known.history(stream(CHILD, id)))
        assert there is not None, "only what is there is removed"
        return measurement.remove(there, known)

    return decide
