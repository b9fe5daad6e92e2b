"""Entries: values of an outcome, each for one subject at one time.

Events · decisions.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

from msgspec import Struct

from domain import dedupe
from domain.event import Event, Fact
from domain.known import Known
from domain.partition import partition_key, stream
from domain.refusal import AlreadyRegistered

TITLE = "Entry"


class Entry(Struct, frozen=True):
    """A value that was reported for a subject. `value` is the decimal number as it was sent; `metadata` is JSON."""

    outcome_id: str
    subject_id: str
    brand_id: str
    value: str
    recorded_at: datetime
    metadata: dict[str, Any]


# Events


class EntryRecorded(Event, frozen=True, kw_only=True):
    """An entry was recorded; `happened_at` is the entry's own `recorded_at`."""

    stored_name: ClassVar[str] = "entry.recorded.v1"

    entry_id: str
    outcome_id: str
    subject_id: str
    brand_id: str
    value: str
    metadata: dict[str, Any]


def key(outcome_id: str, subject_id: str, recorded_at: datetime) -> dedupe.Key:
    """There is one entry per outcome, subject and time, in the subject's partition."""
    return dedupe.key(f"{partition_key(subject_id)}/entries", outcome_id, subject_id, recorded_at)


def _recorded(event: EntryRecorded) -> Sequence[dedupe.Change]:
    return (dedupe.Held(key(event.outcome_id, event.subject_id, event.happened_at), event.originator_id),)


DEDUPE: dedupe.Rules = {EntryRecorded: _recorded}
"""How the events change dedupe keys."""


# Decisions


def record(entry: Entry, known: Known, *, entry_id: str) -> list[Fact]:
    """Record an entry of an existing outcome. AlreadyRegistered if the subject has one for it at that time."""
    if known.holder(key(entry.outcome_id, entry.subject_id, entry.recorded_at)) is not None:
        raise AlreadyRegistered(TITLE)
    return [
        Fact(
            stream(entry.subject_id, entry_id),
            EntryRecorded(
                entry_id=entry_id,
                outcome_id=entry.outcome_id,
                subject_id=entry.subject_id,
                brand_id=entry.brand_id,
                value=entry.value,
                metadata=entry.metadata,
            ),
            happened_at=entry.recorded_at,
        )
    ]
