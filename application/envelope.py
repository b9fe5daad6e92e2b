"""The envelope of events: the processor adds it to the facts that a decision returns."""

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from domain.event import Event, Fact, Origin


def events_of(facts: Sequence[Fact], version: Callable[[str], int], *, origin: Origin, cause: str) -> list[Event]:
    """The events that the facts of one decision become, in order.

    `version`: of the last event in a stream, 0 before the first. `cause`: of the first fact, which causes the others.
    """
    events: list[Event] = []
    for fact in facts:
        if events:
            cause = f"{facts[0].stream}:{events[0].originator_version}"
        events.append(
            replace(
                fact.event,
                originator_id=fact.stream,
                originator_version=version(fact.stream) + 1,
                happened_at=fact.happened_at or origin.recorded_at,
                origin=origin,
                cause=cause,
            )
        )
    return events
