"""Institutions: schools and programmes that users belong to.

Events · state and its fold · decisions.
"""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from msgspec import Struct

from domain import dedupe
from domain.event import Event, Fact
from domain.known import Known
from domain.partition import ACCOUNTS, stream
from domain.refusal import AlreadyRegistered, InstitutionInUse

TITLE = "Institution"


class InstitutionRegistered(Event, frozen=True, kw_only=True):
    stored_name: ClassVar[str] = "institution.registered.v1"

    institution_id: str
    type: str
    name: str
    address: str | None = None
    latitude: float | None = None
    longitude: float | None = None


class InstitutionRemoved(Event, frozen=True, kw_only=True):
    """An institution without users was removed; its name is free again."""

    stored_name: ClassVar[str] = "institution.removed.v1"

    institution_id: str
    name: str


# State


class Institution(Struct, frozen=True):
    version: int
    institution_id: str
    type: str
    name: str
    address: str | None
    latitude: float | None
    longitude: float | None


def fold(events: Iterable[Event], state: Institution | None = None) -> Institution | None:
    """The institution after `events` of its stream, in order; None before the first and after its removal.

    `state`: the institution before them.
    """
    for event in events:
        match event:
            case InstitutionRegistered():
                state = Institution(
                    event.originator_version,
                    event.institution_id,
                    event.type,
                    event.name,
                    event.address,
                    event.latitude,
                    event.longitude,
                )
            case InstitutionRemoved():
                state = None
    return state


def stream_of(institution_id: str) -> str:
    return stream(ACCOUNTS, institution_id)


def key(name: str) -> dedupe.Key:
    """The names of institutions are unique."""
    return dedupe.key(f"{ACCOUNTS}/institutions", name)


def _registered(event: InstitutionRegistered) -> Sequence[dedupe.Change]:
    return (dedupe.Held(key(event.name), event.originator_id),)


def _removed(event: InstitutionRemoved) -> Sequence[dedupe.Change]:
    return (dedupe.Freed(key(event.name)),)


DEDUPE: dedupe.Rules = {InstitutionRegistered: _registered, InstitutionRemoved: _removed}
"""How the events change dedupe keys."""


# Decisions


def register(
    *,
    institution_id: str,
    type: str,
    name: str,
    address: str | None,
    latitude: float | None,
    longitude: float | None,
    known: Known,
) -> list[Fact]:
    """Register an institution. AlreadyRegistered if there is one of that name."""
    if known.holder(key(name)) is not None:
        raise AlreadyRegistered(TITLE)
    return [
        Fact(
            stream_of(institution_id),
            InstitutionRegistered(
                institution_id=institution_id,
                type=type,
                name=name,
                address=address,
                latitude=latitude,
                longitude=longitude,
            ),
        )
    ]


def remove(institution: Institution, *, users: int) -> Fact:
    """Remove an institution. InstitutionInUse if it has users."""
    if users:
        raise InstitutionInUse
    return Fact(
        stream_of(institution.institution_id),
        InstitutionRemoved(institution_id=institution.institution_id, name=institution.name),
    )
