"""A log in memory, with the same protocol and folds as the one in PostgreSQL, and with faults that can be switched on.

`tests/application/test_log.py` checks that both behave alike.
"""

from collections import Counter
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from application.ports import AppendRefused, CommitInDoubt, LogLost, PartitionsHeld, Reads, UserRow
from domain.dedupe import Key
from domain.event import Event
from domain.partition import partition
from domain.password import canonical
from projections.inline.batch_state import InlineBatchState
from projections.inline.dedupe_index import DedupeChanges
from projections.inline.directory import DirectoryChanges

_MICROSECOND = timedelta(microseconds=1)


class FakeLog:
    """Implements `application.ports.Log`.

    `events`: the stored events by partition. `locked_elsewhere`: partitions that another writer holds. `refused`:
    requests whose events the log rejects. `lost`: how often each step (`begin`, `load`, `append`, `commit`, `settle`)
    will lose the connection. `stores_when_lost`: whether a lost commit was carried out. `begun`: the number of batches.
    """

    def __init__(self, partitions: int = 8, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.partitions = partitions
        self.events: dict[int, list[Event]] = {part: [] for part in range(partitions)}
        self.locked_elsewhere: set[int] = set()
        self.refused: set[str] = set()
        self.lost: Counter[str] = Counter()
        self.stores_when_lost = False
        self.begun = 0
        self._clock = clock
        self._versions: set[tuple[str, int]] = set()
        self._holders: dict[Key, str] = {}
        self._users: dict[str, UserRow] = {}
        self._usernames: dict[str, str] = {}
        self._institutions: set[str] = set()
        self._links: set[tuple[str, str, str]] = set()
        self._outcomes: dict[str, str] = {}
        self._open: InlineBatchState | None = None
        self._appended = False

    def begin(self, wait_for: Collection[int], if_free: Collection[int]) -> InlineBatchState:
        assert self._open is None, "one group at a time"
        self.begun += 1
        self._lose("begin")
        if not self.locked_elsewhere.isdisjoint(wait_for):
            raise PartitionsHeld("another session holds the partitions")
        parts = frozenset(wait_for) | (frozenset(if_free) - self.locked_elsewhere)
        recorded_at = self._clock() if parts else datetime.min.replace(tzinfo=UTC)
        for part in parts:
            if self.events[part]:
                recorded_at = max(recorded_at, self.events[part][-1].origin.recorded_at + _MICROSECOND)
        self._open = InlineBatchState(parts, recorded_at, {part: len(self.events[part]) + 1 for part in parts})
        self._appended = False
        return self._open

    def load(self, known: InlineBatchState, reads: Reads) -> None:
        self._lose("load")
        for key in reads.keys - set(known.holders):
            known.holders[key] = self._holders.get(key)
        for stream in reads.histories - set(known.histories):
            events = self.events[partition(stream, self.partitions)]
            known.histories[stream] = [event for event in events if event.originator_id == stream]
        directory = known.directory
        for user_id in reads.users - set(directory.users):
            directory.users[user_id] = self._users.get(user_id)
        for institution_id in reads.institutions - set(directory.institutions):
            directory.institutions[institution_id] = institution_id in self._institutions
        for link in reads.links - set(directory.links):
            directory.links[link] = {group for owner, group, child in self._links if (owner, child) == link}
        for institution_id in reads.members - set(directory.members):
            members = [row for row in self._users.values() if row.institution_id == institution_id]
            directory.members[institution_id] = len(members)
        for name in reads.names - set(directory.names):
            directory.names[name] = {id for id, username in self._usernames.items() if canonical(username) == name}
        for outcome_id in reads.outcomes - set(directory.outcomes):
            directory.outcomes[outcome_id] = self._outcomes.get(outcome_id)

    def append(self, known: InlineBatchState) -> None:
        self._lose("append")
        versions = [(event.originator_id, event.originator_version) for event, _ in known.appended]
        for event, _ in known.appended:
            known.next_seq[partition(event.originator_id, self.partitions)]
            if event.origin.request_id in self.refused:
                raise AppendRefused("this request is refused")
        if len(versions) != len(set(versions)) or not self._versions.isdisjoint(versions):
            raise AppendRefused("a version of a stream is taken")
        if not self._holders_after(known.dedupe).keys().isdisjoint(known.dedupe.held):
            raise AppendRefused("a key is held by two streams")
        self._appended = True

    def commit(self, known: InlineBatchState) -> None:
        assert self._open is known, "only the group that is open is committed"
        assert self._appended, "what was not appended is not committed"
        try:
            self._lose("commit")
        except LogLost as lost:
            if known.appended:
                if self.stores_when_lost:
                    self._store(known)
                raise CommitInDoubt from lost
            return
        self._store(known)
        self._open = None

    def rollback(self) -> None:
        self._open = None

    def settle(self, known: InlineBatchState) -> bool:
        if self.lost["settle"]:
            self.lost["settle"] -= 1
            raise CommitInDoubt("it cannot be told")
        event, _ = known.appended[0]
        return event in self.events[partition(event.originator_id, self.partitions)]

    def _lose(self, step: str) -> None:
        if self.lost[step]:
            self.lost[step] -= 1
            self._open = None
            raise LogLost(f"the connection was lost at {step}")

    def _holders_after(self, changes: DedupeChanges) -> dict[Key, str]:
        """The holders of keys after all keys are freed and before new ones are held."""
        freed, scopes = set(changes.freed), set(changes.scopes)
        return {key: held for key, held in self._holders.items() if key not in freed and key.scope not in scopes}

    def _store(self, known: InlineBatchState) -> None:
        for event, _ in known.appended:
            self.events[partition(event.originator_id, self.partitions)].append(event)
            self._versions.add((event.originator_id, event.originator_version))
        self._holders = self._holders_after(known.dedupe) | known.dedupe.held
        self._write_directory(known.changed)

    def _write_directory(self, changes: DirectoryChanges) -> None:
        for registered in changes.users:
            self._users[registered.user_id] = UserRow(registered.role, registered.institution_id)
            self._usernames[registered.user_id] = registered.username
        for row in changes.passwords.values():
            there = self._users[row.id]
            changed_at = row.changed_at or there.password_changed_at
            count = there.password_changes + row.changes
            self._users[row.id] = replace(there, password_changes=count, password_changed_at=changed_at)
        self._institutions |= {registered.institution_id for registered in changes.institutions}
        self._institutions -= set(changes.removed_institutions)
        self._outcomes |= {id: row.brand_id for id, row in changes.outcomes.items()}
        self._links = {
            link for link in self._links if link[1] not in changes.revised and link[::2] not in changes.unlinked
        }
        self._links |= set(changes.links)
        gone = {*changes.removed_users, *changes.removed_groups}
        self._links = {link for link in self._links if gone.isdisjoint(link)}
        for removed in changes.removed_users:
            self._users.pop(removed, None)
            self._usernames.pop(removed, None)
