"""Tests of decisions as sentences: `given(events).when(decision).then(new events)`, or `.refuses(refusal)`."""

from collections.abc import Callable, Sequence

import pytest

from application.envelope import events_of
from domain.catalogue import decode, encode
from domain.dedupe import Freed, Held, Key, ScopeFreed
from domain.event import Event, Fact
from domain.partition import name_of
from domain.refusal import Refusal
from projections.inline import dedupe_index
from tests.examples import origin


class KnownEvents:
    """Implements `domain.known.Known` from a list of events."""

    def __init__(self, events: Sequence[Event]) -> None:
        self._holders: dict[Key, str] = {}
        self._histories: dict[str, list[Event]] = {}
        for event in events:
            self._histories.setdefault(event.originator_id, []).append(event)
            for change in dedupe_index.changes(event):
                match change:
                    case Held(key, stream):
                        assert key not in self._holders, "the given history is impossible: a key is held twice"
                        self._holders[key] = stream
                    case Freed(key):
                        self._holders.pop(key, None)
                    case ScopeFreed(scope):
                        self._holders = {key: held for key, held in self._holders.items() if key.scope != scope}

    def holder(self, key: Key) -> str | None:
        return self._holders.get(key)

    def history(self, stream: str) -> list[Event]:
        return list(self._histories.get(stream, ()))

    def version(self, stream: str) -> int:
        return len(self._histories.get(stream, ()))


Decision = Callable[[KnownEvents], Fact | Sequence[Fact]]


class When:
    def __init__(self, events: Sequence[Event], decision: Decision) -> None:
        self._events = events
        self._facts = KnownEvents(events)
        self._decision = decision

    def then(self, *expected: Event) -> None:
        """The decision leads to exactly these events. Checks what holds for all decisions, too."""
        decided = self._decision(self._facts)
        facts = [decided] if isinstance(decided, Fact) else list(decided)
        cause = expected[0].cause if expected else ""
        actual = events_of(facts, self._facts.version, origin=origin(), cause=cause)
        assert list(expected) == actual
        for event in actual:
            assert event == decode(event.stored_name, encode(event)), "an event reads back as it was stored"
            assert name_of(event.originator_id), "a stream has a name within its partition"
        KnownEvents([*self._events, *actual])
        for stream in {event.originator_id for event in actual}:
            versions = [event.originator_version for event in actual if event.originator_id == stream]
            before = len(self._facts.history(stream))
            assert list(range(before + 1, before + 1 + len(versions))) == versions, "versions have no gaps"

    def refuses(self, expected: Refusal) -> None:
        with pytest.raises(type(expected)) as refused:
            self._decision(self._facts)
        assert (type(expected), vars(expected)) == (refused.type, vars(refused.value))


class Given:
    def __init__(self, events: Sequence[Event]) -> None:
        self._events = events

    def when(self, decision: Decision) -> When:
        return When(self._events, decision)


def given(*events: Event) -> Given:
    """The events before the decision, in order."""
    return Given(events)
