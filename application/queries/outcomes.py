"""Queries for outcomes and their entries."""

from datetime import datetime
from typing import ClassVar

from msgspec import Struct

from application.command import State
from application.queries.query import Position, Query
from domain.outcome import Definition


class Slice(Struct, frozen=True):
    """At most `limit` rows, after `offset` others."""

    limit: int = 100
    offset: int = 0
    after: Position | None = None


class ListOutcomes(Query, frozen=True, kw_only=True):
    """Latest created first. With `brand_id` or `metric_key` only those of that brand or metric."""

    name: ClassVar[str] = "list_outcomes"

    brand_id: str | None = None
    metric_key: str | None = None
    slice: Slice = Slice()


class ReadOutcome(Query, frozen=True, kw_only=True):
    name: ClassVar[str] = "read_outcome"

    outcome_id: str


class OutcomeRow(State, frozen=True):
    """`created_by` is the id of a user; `updated_at` is the time of the last change."""

    name: str
    description: str | None
    brand_id: str
    metric_key: str
    unit: str | None
    direction: str
    created_by: str
    created_at: datetime
    updated_at: datetime


def outcome_row(
    outcome_id: str, definition: Definition, *, created_by: str, created_at: datetime, updated_at: datetime
) -> OutcomeRow:
    return OutcomeRow(
        outcome_id,
        definition.name,
        definition.description,
        definition.brand_id,
        definition.metric_key,
        definition.unit,
        definition.direction,
        created_by,
        created_at,
        updated_at,
    )


class Period(Struct, frozen=True):
    """From `start` to before `end`. None: without that limit."""

    start: datetime | None = None
    end: datetime | None = None


class ListEntries(Query, frozen=True, kw_only=True):
    """Latest first, by the `recorded_at` of the entries."""

    name: ClassVar[str] = "list_entries"

    outcome_id: str
    subject_id: str | None = None
    period: Period = Period()
    slice: Slice = Slice()


class EntryRow(Struct, frozen=True):
    """`value` as it was sent, `metadata` as JSON."""

    id: str
    subject_id: str
    brand_id: str
    value: str
    recorded_at: datetime
    metadata: str
