"""Checks the histories of a partition event by event and reports what is wrong."""

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime

from msgspec import Struct, field

from domain.catalogue import Undecodable, decode
from domain.dedupe import Change, Freed, Held
from domain.event import Event
from domain.history import AGGREGATES, Aggregate, cannot_follow
from domain.partition import partition, position
from projections.inline import dedupe_index
from projections.rebuild.comparison import Difference
from projections.views.view import Page, PositionedEvent, Row

Stored = tuple[int, str, int, str, bytes]
"""An event of a partition: seq, stream, version, stored name, state."""


class Finding(Struct, frozen=True):
    """A defect: `what` kind it is, its position and stream, and why."""

    what: str
    position: str
    stream: str
    why: str


class Report(Struct):
    """The result of a replay."""

    events: int = 0
    streams: int = 0
    names: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)

    def add(self, other: "Report") -> None:
        """Add the result of another replay."""
        self.events += other.events
        self.streams += other.streams
        self.names.update(other.names)
        self.findings += other.findings

    def cannot_take(self, view: str, placed: PositionedEvent, why: str) -> None:
        """Report an event that a view cannot apply."""
        stream = placed.event.originator_id
        self.findings.append(
            Finding("view", position(placed.part, placed.seq), stream, f"{view} cannot apply it: {why}")
        )

    def is_ahead(self, view: str, part: int, checkpoint: int) -> None:
        """Report a checkpoint after the end of the log: the view would miss the next events."""
        self.findings.append(
            Finding("view", position(part, checkpoint), view, "its checkpoint is after the end of the log")
        )

    def differs(self, view: str, of: Difference) -> None:
        key = " ".join(map(str, of.key.values()))
        columns = ", ".join(f"{name}: {kept} → {rebuilt}" for name, (kept, rebuilt) in of.columns.items())
        how = {"added": "missing", "missing": "added"}.get(
            of.how, of.how
        )  # seen from the rows that follow from the log
        why = f"a row of {view} is {how}: {columns}" if columns else f"a row of {view} is {how}"
        self.findings.append(Finding("view", f"{of.part}", f"{of.table} {key}", why))


def readable(part: int, page: Iterable[Stored], topics: Container[str]) -> Page:
    """The events with these stored names that can be decoded."""
    read = []
    for seq, _, _, topic, state in page:
        if topic in topics:
            with suppress(Undecodable):  # reported by PartitionHistories
                read.append(PositionedEvent(part, seq, decode(topic, state)))
    return read


LARGE = 64 * 1024
"""States with more bytes exist only in logs of earlier versions, which did not limit texts."""


class _Stream(Struct, frozen=True, gc=False):
    """The progress of a stream. `aggregate` is None if nothing can be said about later events."""

    version: int
    aggregate: Aggregate | None
    last: type[Event]


_BEGUN = {kind: _Stream(1, aggregate, kind) for kind, aggregate in AGGREGATES.items()}
"""The progress of streams with a single event, shared because most streams have only one."""


class PartitionHistories:
    """Checks the events of one partition in the order of the log, and tracks which stream holds which dedupe key."""

    def __init__(self, part: int, partitions: int, report: Report) -> None:
        self._part, self._partitions, self._report = part, partitions, report
        self._streams: dict[str, _Stream] = {}
        self._seq = 0
        self.large = 0
        """Total bytes of the states larger than LARGE."""
        self._recorded_at = datetime.min.replace(tzinfo=UTC)
        self._held: defaultdict[str, dict[bytes, str]] = defaultdict(dict)
        self._conflicting_holders: list[Row] = []

    @property
    def last(self) -> int:
        """The seq of the last event; 0 before the first."""
        return self._seq

    def end(self) -> None:
        self._report.streams += len(self._streams)

    def add_page(self, page: Sequence[Stored]) -> list[tuple[int, Event]]:
        """Check the next events. Returns those that can be decoded as (seq, event)."""
        self._report.events += len(page)
        self._report.names.update([topic for _, _, _, topic, _ in page])
        self.large += sum(size for each in page if (size := len(each[4])) > LARGE)
        read = []
        part, partitions, streams = self._part, self._partitions, self._streams
        for seq, stream, version, topic, state in page:
            if seq != self._seq + 1:
                self._report_finding("sequence", seq, stream, f"seq {self._seq + 1} is missing here")
            self._seq = seq
            if partition(stream, partitions) != part:
                self._report_finding("partition", seq, stream, "it belongs to another partition")
            before = streams.get(stream)
            if version != (1 if before is None else before.version + 1):
                after = 0 if before is None else before.version
                self._report_finding("version", seq, stream, f"version {version} comes after {after}")
            try:
                event = decode(topic, state)
            except Undecodable as error:
                self._report_finding("undecodable", seq, stream, str(error))
                streams[stream] = _Stream(version, None, Event)
                continue
            if event.originator_id != stream or event.originator_version != version:
                self._report_finding(
                    "misplaced", seq, stream, f"it says it is {event.originator_id}:{event.originator_version}"
                )
            kind = type(event)
            if before is None and version == 1 and kind in _BEGUN:
                streams[stream] = _BEGUN[kind]
            else:
                streams[stream] = self._followed(before, seq, version, event)
            recorded_at = event.origin.recorded_at
            if recorded_at < self._recorded_at:
                self._report_finding("time", seq, stream, "it was recorded earlier than the event before it")
            self._recorded_at = recorded_at
            for change in dedupe_index.changes(event):
                self._hold(seq, event, change)
            read.append((seq, event))
        return read

    def _followed(self, before: _Stream | None, seq: int, version: int, event: Event) -> _Stream:
        aggregate = AGGREGATES.get(type(event)) if before is None else before.aggregate
        if before is None:
            if aggregate is None:
                self._report_finding(
                    "impossible", seq, event.originator_id, f"no stream begins with {event.stored_name}"
                )
        elif aggregate is not None and (why := cannot_follow(aggregate, before.last, event)):
            self._report_finding("impossible", seq, event.originator_id, why)
        return _Stream(version, aggregate, type(event))

    def _hold(self, seq: int, event: Event, change: Change) -> None:
        if isinstance(change, Held):
            key = change.key
            holder = self._held[key.scope].setdefault(key.digest, change.stream)
            if holder != change.stream:
                self._report_finding("dedupe", seq, event.originator_id, f"its key is held by {holder}")
                self._conflicting_holders.append((self._part, key.scope, key.digest, change.stream))
        elif isinstance(change, Freed):
            self._held[change.key.scope].pop(change.key.digest, None)
        else:
            self._held.pop(change.scope, None)

    def holders(self) -> Iterator[Row]:
        """The rows that the dedupe index must have, in the order of its key. A key that two streams held at the same
        time gives two rows, which no index can have."""
        yield from self._conflicting_holders
        for scope in sorted(self._held):
            part = partition(scope, self._partitions)
            for digest, stream in sorted(self._held[scope].items()):
                yield part, scope, digest, stream

    def _report_finding(self, what: str, seq: int, stream: str, why: str) -> None:
        self._report.findings.append(Finding(what, position(self._part, seq), stream, why))
