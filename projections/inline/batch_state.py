"""The state that a batch decides by: loaded rows and histories, changed by the events of the batch."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct, field

from application.ports import UserRow
from domain.dedupe import Change, Freed, Held, Key, ScopeFreed
from domain.event import Event
from projections.inline import dedupe_index
from projections.inline.dedupe_index import DedupeChanges
from projections.inline.directory import EVENTS as DIRECTORY_EVENTS
from projections.inline.directory import DirectoryChanges
from projections.inline.loaded_directory import LoadedDirectory


class InlineBatchState(Struct):
    """Implements `application.ports.BatchState` on the inline projections.

    `next_seq` is the next position in each locked partition; `appended` are the group's events in order, with their
    JSON; `dedupe` and `changed` what they do to the inline projections.
    """

    parts: frozenset[int]
    recorded_at: datetime
    next_seq: dict[int, int]
    holders: dict[Key, str | None] = field(default_factory=dict)
    histories: dict[str, list[Event]] = field(default_factory=dict)
    directory: LoadedDirectory = field(default_factory=LoadedDirectory)
    appended: list[tuple[Event, bytes]] = field(default_factory=list)
    dedupe: DedupeChanges = field(default_factory=DedupeChanges)
    changed: DirectoryChanges = field(default_factory=DirectoryChanges)

    def holder(self, key: Key) -> str | None:
        return self.holders[key]

    def history(self, stream: str) -> list[Event]:
        return self.histories[stream]

    def version(self, stream: str) -> int:
        history = self.histories.get(stream)
        return history[-1].originator_version if history else 0

    def user(self, user_id: str) -> UserRow | None:
        return self.directory.users[user_id]

    def has_institution(self, institution_id: str) -> bool:
        return self.directory.institutions[institution_id]

    def members(self, institution_id: str) -> int:
        return self.directory.members[institution_id]

    def brand_of(self, outcome_id: str) -> str | None:
        return self.directory.outcomes[outcome_id]

    def is_linked(self, owner_id: str, child_id: str) -> bool:
        return bool(self.directory.links[owner_id, child_id])

    def is_taken(self, name: str) -> bool:
        return bool(self.directory.names[name])

    def apply(self, events: Sequence[Event], states: Sequence[bytes]) -> None:
        for event, state in zip(events, states, strict=True):
            self.appended.append((event, state))
            self.histories.setdefault(event.originator_id, []).append(event)
            for change in dedupe_index.changes(event):
                self.dedupe.add(change)
                self._hold(change)
            if type(event) in DIRECTORY_EVENTS:
                self.directory.apply(event)
                self.changed.add(event)

    def _hold(self, change: Change) -> None:
        match change:
            case Held(key, stream):
                self.holders[key] = stream
            case Freed(key):
                self.holders[key] = None
            case ScopeFreed(scope):
                self.holders.update((key, None) for key in self.holders if key.scope == scope)
