"""Outcomes: metrics that a brand wants to move, each with the direction that counts as better.

Events · state and its fold · decisions.
"""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from msgspec import Struct

from domain import dedupe
from domain.event import Event, Fact
from domain.known import Known
from domain.partition import ACCOUNTS, stream
from domain.refusal import AlreadyRegistered

TITLE = "Outcome"

HIGHER, LOWER = DIRECTIONS = ("higher_is_better", "lower_is_better")


class Definition(Struct, frozen=True):
    """The members of an outcome. `unit` is None if values of any unit count."""

    name: str
    brand_id: str
    metric_key: str
    description: str | None = None
    unit: str | None = None
    direction: str = HIGHER


# Events


class OutcomeCreated(Event, frozen=True, kw_only=True):
    stored_name: ClassVar[str] = "outcome.created.v1"

    outcome_id: str
    definition: Definition


class OutcomeRevised(Event, frozen=True, kw_only=True):
    """The definition of an outcome changed: all of it after the change. `former_name`: the name before it."""

    stored_name: ClassVar[str] = "outcome.revised.v1"

    outcome_id: str
    definition: Definition
    former_name: str


# State


class Outcome(Struct, frozen=True):
    version: int
    outcome_id: str
    definition: Definition


def fold(events: Iterable[Event], state: Outcome | None = None) -> Outcome | None:
    """The outcome after `events` of its stream, in order; None before the first.

    `state`: the outcome before them.
    """
    for event in events:
        match event:
            case OutcomeCreated() | OutcomeRevised():
                state = Outcome(event.originator_version, event.outcome_id, event.definition)
    return state


def stream_of(outcome_id: str) -> str:
    return stream(ACCOUNTS, outcome_id)


def key(definition: Definition) -> dedupe.Key:
    """The names of a brand's outcomes of one metric are unique."""
    return _key(definition, definition.name)


def _key(definition: Definition, name: str) -> dedupe.Key:
    return dedupe.key(f"{ACCOUNTS}/outcomes", definition.brand_id, definition.metric_key, name)


def _created(event: OutcomeCreated) -> Sequence[dedupe.Change]:
    return (dedupe.Held(key(event.definition), event.originator_id),)


def _revised(event: OutcomeRevised) -> Sequence[dedupe.Change]:
    if event.definition.name == event.former_name:
        return ()
    return (
        dedupe.Freed(_key(event.definition, event.former_name)),
        dedupe.Held(key(event.definition), event.originator_id),
    )


DEDUPE: dedupe.Rules = {OutcomeCreated: _created, OutcomeRevised: _revised}
"""How the events change dedupe keys."""


# Decisions


def create(definition: Definition, known: Known, *, outcome_id: str) -> list[Fact]:
    """Create an outcome. AlreadyRegistered if the brand has one of that metric and name."""
    if known.holder(key(definition)) is not None:
        raise AlreadyRegistered(TITLE)
    return [Fact(stream_of(outcome_id), OutcomeCreated(outcome_id=outcome_id, definition=definition))]


def revise(outcome: Outcome, definition: Definition, known: Known) -> list[Fact]:
    """Change an outcome to this definition. There is a fact even if nothing changes, as `updated_at` moves.

    AlreadyRegistered if its brand has another outcome of that metric and name.
    """
    if definition.name != outcome.definition.name and known.holder(key(definition)) is not None:
        raise AlreadyRegistered(TITLE)
    return [
        Fact(
            stream_of(outcome.outcome_id),
            OutcomeRevised(
                outcome_id=outcome.outcome_id,
                definition=definition,
                former_name=outcome.definition.name,
            ),
        )
    ]
