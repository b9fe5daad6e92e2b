"""The dedupe index: which stream holds which key. Commands maintain it in their transaction and decide by it."""

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct, field
from psycopg import Cursor

from domain import entry, group, institution, measurement, outcome, user
from domain.dedupe import Change, Freed, Held, Key, Rules, ScopeFreed
from domain.event import Event
from domain.partition import partition
from projections import rows, statements
from projections.rows import Column

SQL = statements.load(__file__, "dedupe_index")


RULES: Rules = {
    **measurement.DEDUPE,
    **user.DEDUPE,
    **institution.DEDUPE,
    **group.DEDUPE,
    **outcome.DEDUPE,
    **entry.DEDUPE,
}


def changes(event: Event) -> Sequence[Change]:
    """The changes of keys that an event causes."""
    rule = RULES.get(type(event))
    return () if rule is None else rule(event)


class DedupeChanges(Struct):
    """The scopes and keys that were freed, and the final holders; written in this order."""

    scopes: list[str] = field(default_factory=list)
    freed: list[Key] = field(default_factory=list)
    held: dict[Key, str] = field(default_factory=dict)

    def add(self, change: Change) -> None:
        match change:
            case Held(key, stream):
                self.held[key] = stream
            case Freed(key):
                self.freed.append(key)
                self.held.pop(key, None)
            case ScopeFreed(scope):
                self.scopes.append(scope)
                self.held = {key: stream for key, stream in self.held.items() if key.scope != scope}


def fold(events: Iterable[Event]) -> DedupeChanges:
    """The folded changes of a page of events."""
    folded = DedupeChanges()
    for event in events:
        for change in changes(event):
            folded.add(change)
    return folded


def write(cursor: Cursor[Any], changes: DedupeChanges, partitions: int) -> None:
    """Write folded changes with one statement for each kind of change; prepared first, as in `rows.insert`."""
    if changes.scopes:
        scopes = {"parts": _parts(changes.scopes, partitions), "scopes": changes.scopes}
        cursor.execute(SQL["delete_scopes"], scopes, prepare=True)
    if changes.freed:
        cursor.execute(SQL["delete_keys"], _columns(changes.freed, partitions), prepare=True)
    if changes.held:
        held = (
            (partition(key.scope, partitions), key.scope, key.digest, stream) for key, stream in changes.held.items()
        )
        rows.insert(cursor, SQL["insert_keys"], ("int2", "text", "bytea", "text"), held)


def load(cursor: Cursor[Any], keys: Sequence[Key], partitions: int) -> dict[Key, str | None]:
    """Key → stream that holds it, None if the key is free."""
    holders: dict[Key, str | None] = dict.fromkeys(keys)
    for scope, digest, stream in cursor.execute(SQL["holders"], _columns(keys, partitions), prepare=True):
        holders[Key(scope, digest)] = stream
    return holders


def _parts(scopes: Iterable[str], partitions: int) -> list[int]:
    return [partition(scope, partitions) for scope in scopes]


def _columns(keys: Sequence[Key], partitions: int) -> dict[str, Column]:
    return {
        "parts": rows.column("int2", _parts((key.scope for key in keys), partitions)),
        "scopes": rows.column("text", [key.scope for key in keys]),
        "keys": rows.column("bytea", [key.digest for key in keys]),
    }
