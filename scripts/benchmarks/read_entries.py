"""Generates the entries of the read benchmark, and appends them to the log with the project's own code.

Each entry has its own slot of time, and a random instant within it. The instants are thus random but unique, and in
order of time, like those of values that are recorded when they are measured.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
import psycopg
from msgspec import Struct
from numpy.typing import NDArray

from adapters.postgres.event_store import PostgresEventStore
from application.ids import Ids, uuid_of
from domain.catalogue import encode
from domain.entry import EntryRecorded
from domain.event import Event, Origin
from domain.partition import stream
from scripts.benchmarks.ours import Service

DAYS = 365
SUBJECTS = 10_000
FIRST = datetime(2024, 1, 1, tzinfo=UTC)
BRAND = "brand of the benchmark"
GROUP = 5_000
"""Events per transaction."""
PIECE = 100_000
"""Entries that are generated at a time."""
DAY = 86_400_000
"""Milliseconds."""

Integers = NDArray[np.int64]


class Entries(Struct, frozen=True):
    """`subject` is a number, `moment` is in milliseconds since FIRST, and values are in hundredths."""

    subject: Integers
    moment: Integers
    hundredths: Integers

    def __len__(self) -> int:
        return len(self.subject)


def random_entries(number: int, *, seed: int) -> Iterator[Entries]:
    """Generate `number` entries over all days, in pieces. An odd and an even seed have no instant in common."""
    randomness = np.random.default_rng(seed)
    slot = DAYS * DAY // number // 2 * 2
    for start in range(0, number, PIECE):
        places = np.arange(start, min(start + PIECE, number))
        subject = randomness.integers(0, SUBJECTS, len(places))
        moment = places * slot + randomness.integers(0, slot // 2, len(places)) * 2 + seed % 2
        slope = (subject % 7 - 3) * 1.5
        value = randomness.normal(70 + slope * moment / (DAYS * DAY), 10)
        yield Entries(subject, moment, np.rint(np.abs(value) * 100).astype(np.int64))


def written(first: int, number: int) -> Entries:
    """The entries that `read_writes` sends, starting with number `first`. They follow the last day of all others."""
    places = np.arange(first, first + number)
    return Entries(places % SUBJECTS, DAYS * DAY + places, 4_000 + places % 6_000)


def subject_id(number: int) -> str:
    return f"subject {number}"


def value_of(hundredths: int) -> str:
    return f"{hundredths // 100}.{hundredths % 100:02d}"


def store(service: Service, outcome_id: str, entries: Entries) -> None:
    """Append entries to the log of a running service, with many per transaction."""
    log = PostgresEventStore(lambda name: psycopg.connect(service.conninfo, application_name=name))
    every_part = range(log.partitions)
    try:
        for start in range(0, len(entries), GROUP):
            known = log.begin(every_part, ())
            events = list(_events(entries, slice(start, start + GROUP), outcome_id, known.recorded_at))
            known.apply(events, [encode(event) for event in events])
            log.append(known)
            log.commit(known)
    finally:
        log.close()


def _events(entries: Entries, part: slice, outcome_id: str, now: datetime) -> Iterator[Event]:
    new_id = Ids().since(now)
    origin = Origin(recorded_at=now, actor_id="benchmark", actor_role="admin", request_id="benchmark")
    columns = (column[part].tolist() for column in (entries.subject, entries.moment, entries.hundredths))
    for subject, moment, hundredths in zip(*columns, strict=True):
        entry_id, subject_name = uuid_of(new_id()), subject_id(subject)
        yield EntryRecorded(
            originator_id=stream(subject_name, entry_id),
            originator_version=1,
            happened_at=FIRST + timedelta(milliseconds=moment),
            origin=origin,
            cause="record_entries",
            entry_id=entry_id,
            outcome_id=outcome_id,
            subject_id=subject_name,
            brand_id=BRAND,
            value=value_of(hundredths),
            metadata={},
        )
