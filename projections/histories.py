"""What is found wrong in a log, history by history."""

from collections import Counter
from datetime import datetime

from msgspec import Struct, field

from domain.catalogue import Undecodable, decode
from domain.dedupe import Freed, Held, Key, ScopeFreed
from domain.event import Event
from domain.history import AGGREGATES, Aggregate, cannot_follow
from domain.partition import partition
from projections import dedupe_index
from projections.comparison import Difference
from projections.view import Placed


class Finding(Struct, frozen=True):
    """Something that is wrong: `what` sort it is, where, and why."""

    what: str
    position: str
    stream: str
    why: str


class Report(Struct):
    """What a replay has seen."""

    events: int = 0
    streams: int = 0
    names: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)

    def cannot_take(self, view: str, placed: Placed, why: str) -> None:
        stream = placed.event.originator_id
        self.findings.append(Finding("view", f"{placed.part}-{placed.seq}", stream, f"{view} cannot take it: {why}"))

    def differs(self, view: str, of: Difference) -> None:
        key = " ".join(map(str, of.key.values()))
        columns = ", ".join(f"{name}: {kept} → {grown}" for name, (kept, grown) in of.columns.items())
        how = {"added": "missing", "missing": "added"}.get(of.how, of.how)  # beside what was grown from the log
        why = f"a row of {view} is {how}: {columns}" if columns else f"a row of {view} is {how}"
        self.findings.append(Finding("view", f"{of.part}", f"{of.table} {key}", why))


class _Stream(Struct):
    """How far a stream has come; `aggregate` is None where nothing can be said of what follows."""

    version: int = 0
    aggregate: Aggregate | None = None
    last: type[Event] | None = None


class Partition:
    """The histories of one partition, event by event in the order of the log."""

    def __init__(self, part: int, partitions: int, report: Report) -> None:
        self._part, self._partitions, self._report = part, partitions, report
        self._streams: dict[str, _Stream] = {}
        self._seq = 0
        self._recorded_at: datetime | None = None
        self._held: dict[Key, str] = {}

    def end(self) -> None:
        self._report.streams += len(self._streams)

    def take(self, seq: int, stream: str, version: int, topic: str, state: bytes) -> Event | None:
        """Look at the next event; None where it cannot be read."""
        self._report.events += 1
        self._report.names[topic] += 1
        if seq != self._seq + 1:
            self._find("sequence", seq, stream, f"{self._seq + 1} should be here")
        self._seq = seq
        if partition(stream, self._partitions) != self._part:
            self._find("partition", seq, stream, "it belongs to another partition")
        known = self._streams.get(stream)
        if known is None:
            known = self._streams[stream] = _Stream()
        if version != known.version + 1:
            self._find("version", seq, stream, f"version {version} comes after {known.version}")
        try:
            event = decode(topic, state)
        except Undecodable as error:
            self._find("undecodable", seq, stream, str(error))
            known.version, known.aggregate, known.last = version, None, Event
            return None
        if (event.originator_id, event.originator_version) != (stream, version):
            self._find("misplaced", seq, stream, f"it says it is {event.originator_id}:{event.originator_version}")
        self._follow(known, seq, version, event)
        recorded_at = event.origin.recorded_at
        if self._recorded_at is not None and recorded_at < self._recorded_at:
            self._find("time", seq, stream, "it was recorded before the one before it")
        self._recorded_at = recorded_at
        self._hold(seq, event)
        return event

    def _follow(self, known: _Stream, seq: int, version: int, event: Event) -> None:
        kind = type(event)
        if known.last is None:
            known.aggregate = AGGREGATES.get(kind)
            if known.aggregate is None:
                self._find("impossible", seq, event.originator_id, f"no stream begins with {event.stored_name}")
        elif known.aggregate is not None and (why := cannot_follow(known.aggregate, known.last, event)):
            self._find("impossible", seq, event.originator_id, why)
        known.version, known.last = version, kind

    def _hold(self, seq: int, event: Event) -> None:
        for change in dedupe_index.changes(event):
            match change:
                case Held(key, stream):
                    holder = self._held.setdefault(key, stream)
                    if holder != stream:
                        self._find("dedupe", seq, event.originator_id, f"its key is held by {holder}")
                case Freed(key):
                    self._held.pop(key, None)
                case ScopeFreed(scope):
                    self._held = {key: stream for key, stream in self._held.items() if key.scope != scope}

    def _find(self, what: str, seq: int, stream: str, why: str) -> None:
        self._report.findings.append(Finding(what, f"{self._part}-{seq}", stream, why))
