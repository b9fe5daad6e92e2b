"""A queue that subjects share fairly: each has its own line, and an equal share of every batch and of the room."""

from collections import deque
from typing import Generic, Protocol, TypeVar

from msgspec import Struct, field

from domain.errors import GrowthringsError


class Entry(Protocol):
    """An element of the queue. `size` is its number of items, at least 1."""

    @property
    def subject(self) -> str: ...

    @property
    def size(self) -> int: ...


E = TypeVar("E", bound=Entry)


class QueueFull(GrowthringsError):
    """There is no room for an entry, and no other subject has more items in the queue."""


class _Line(Struct, Generic[E], eq=False):
    """The entries of one subject, oldest first. `credit`: the number of items that its first entry may have by now."""

    entries: deque[E] = field(default_factory=deque)
    size: int = 0
    credit: int = 0


class FairQueue(Generic[E]):
    """Deficit round robin. In every batch each line has the same number of items; what it cannot use for a large entry
    is kept as credit for the next batch. Remaining room goes to the lines that have more entries."""

    def __init__(self, *, batch_size: int) -> None:
        self._batch_size = batch_size
        self._lines: dict[str, _Line[E]] = {}

    def __bool__(self) -> bool:
        return bool(self._lines)

    def add(self, entry: E) -> None:
        line = self._lines.get(entry.subject)
        if line is None:
            line = self._lines[entry.subject] = _Line()
        line.entries.append(entry)
        line.size += entry.size

    def firsts(self) -> list[E]:
        """The first entry of every line."""
        return [line.entries[0] for line in self._lines.values()]

    def make_room(self, entry: E, size: int) -> list[E]:
        """Take out entries of at least `size` items together: the newest of the subjects that have most. QueueFull if
        that would hit a subject that has no more items than the subject of this entry would have."""
        mine = self._lines.get(entry.subject)
        most = entry.size + (0 if mine is None else mine.size)
        removed: list[E] = []
        while size > 0:
            subject = max(self._lines, key=lambda each: self._lines[each].size, default=entry.subject)
            if subject == entry.subject or self._lines[subject].size <= most:
                for each in reversed(removed):
                    self.add(each)
                raise QueueFull
            removed.append(newest := self._drop_newest(subject))
            size -= newest.size
        return removed

    def _drop_newest(self, subject: str) -> E:
        line = self._lines[subject]
        newest = line.entries.pop()
        line.size -= newest.size
        if not line.entries:
            del self._lines[subject]
        return newest

    def take(self) -> list[E]:
        """Take out the next batch. An entry that is larger than a batch is taken alone: when its line has the credit
        for it, or if no line has a smaller entry."""
        if not self._lines:
            return []
        share = max(1, self._batch_size // len(self._lines))
        for line in self._lines.values():
            line.credit = min(line.credit + share, max(line.entries[0].size, share))
        large = self._large()
        if large is not None:
            self._lines[large].credit = 0
            return [self._pop(large)]
        batch: list[E] = []
        room = self._batch_size
        for subject, line in list(self._lines.items()):
            while line.entries and (size := line.entries[0].size) <= min(line.credit, room):
                line.credit -= size
                room -= size
                batch.append(self._pop(subject))
        return [*batch, *self._fill(room)]

    def clear(self) -> list[E]:
        """Take out all entries."""
        entries = [entry for line in self._lines.values() for entry in line.entries]
        self._lines.clear()
        return entries

    def _large(self) -> str | None:
        """The subject whose turn it is to have an entry taken that is larger than a batch."""
        large = {subject: line for subject, line in self._lines.items() if line.entries[0].size > self._batch_size}
        ready = (subject for subject, line in large.items() if line.credit >= line.entries[0].size)
        alone = next(iter(large)) if len(large) == len(self._lines) else None
        return next(ready, alone)

    def _fill(self, room: int) -> list[E]:
        """One entry of each line in turn, as long as they fit."""
        batch: list[E] = []
        lines = deque(self._lines)
        while lines:
            subject = lines.popleft()
            line = self._lines[subject]
            if line.entries[0].size > room:
                continue
            room -= line.entries[0].size
            batch.append(self._pop(subject))
            if line.entries:
                lines.append(subject)
        return batch

    def _pop(self, subject: str) -> E:
        """Take out the first entry of a line, and put the line behind the others."""
        line = self._lines.pop(subject)
        entry = line.entries.popleft()
        line.size -= entry.size
        if line.entries:
            self._lines[subject] = line
        return entry
