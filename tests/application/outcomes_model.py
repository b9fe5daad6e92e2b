"""A model of outcomes and their entries in plain dictionaries."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from application.commands.create_outcomes import CreateOutcomes
from application.commands.record_entries import RecordEntries
from application.commands.revise_outcome import ReviseOutcome
from domain.entry import Entry
from domain.outcome import Definition
from domain.refusal import AlreadyRegistered, NotFound, Refusal
from tests.application.accounts_model import Accounts, Expected, refused

Moment = tuple[str, str, datetime]
"""Outcome, subject and time: there is one entry at most."""


class Outcomes:
    """Definitions by id, and entries by outcome, subject and time."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self.definitions: dict[str, Definition] = {}
        self.entries: dict[Moment, Entry] = {}

    def create(self, command: CreateOutcomes, answer: Any) -> list[Expected] | type[Refusal]:
        return refused(command.actor, self._accounts) or [
            self._create(item, new_id) for item, new_id in zip(command.definitions, ids(answer, command), strict=True)
        ]

    def revise(self, command: ReviseOutcome) -> list[Expected] | type[Refusal]:
        return refused(command.actor, self._accounts) or [self._revise(command)]

    def record(self, command: RecordEntries) -> list[Expected] | type[Refusal]:
        if gone := refused(command.actor, self._accounts):
            return gone
        unreadable = [item for item in command.entries if isinstance(item, Refusal)]
        if command.outcome_id not in self.definitions and not len(unreadable) == len(command.entries) == 1:
            return NotFound
        return [self._record(command.outcome_id, item) for item in command.entries]

    def _taken(self, wanted: Definition) -> bool:
        return any(
            (it.brand_id, it.metric_key, it.name) == (wanted.brand_id, wanted.metric_key, wanted.name)
            for it in self.definitions.values()
        )

    def _create(self, item: Definition | Refusal, new_id: str) -> Expected:
        if isinstance(item, Refusal):
            return type(item)
        if self._taken(item):
            return AlreadyRegistered
        self.definitions[new_id] = item
        return "id"

    def _revise(self, command: ReviseOutcome) -> Expected:
        there = self.definitions.get(command.outcome_id)
        if there is None:
            return NotFound
        revised = command.change.of(there)
        if revised.name != there.name and self._taken(revised):
            return AlreadyRegistered
        self.definitions[command.outcome_id] = revised
        return "id"

    def _record(self, outcome_id: str, item: Entry | Refusal) -> Expected:
        if isinstance(item, Refusal):
            return type(item)
        if item.brand_id != self.definitions[outcome_id].brand_id:
            return NotFound
        moment = (outcome_id, item.subject_id, item.recorded_at)
        if moment in self.entries:
            return AlreadyRegistered
        self.entries[moment] = item
        return "id"


def ids(answer: Any, command: CreateOutcomes) -> Sequence[str]:
    """The ids in a result, item by item."""
    comparable = answer if isinstance(answer, list) else [None] * len(command.definitions)
    return [outcome if isinstance(outcome, str) else "not told" for outcome in comparable]
