"""Institutions: schools and programmes that users belong to.

Events · state and its fold · decisions.
"""

from collections.abc import Sequence
from typing import ClassVar

from domain import dedupe
from domain.event import Event, Origin
from domain.measurement import Known
from domain.partition import ACCOUNTS, stream
from domain.refusal import AlreadyRegistered

TITLE = "Institution"


class InstitutionRegistered(Event, frozen=True, kw_only=True):
    stored_name: ClassVar[str] = "institution.registered.v1"

    institution_id: str
    type: str
    name: str
    address: str | None = None
    latitude: float | None = None
    longitude: float | None = None


def key(name: str) -> dedupe.Key:
    """Names of institutions are unique."""
    return dedupe.key(f"{ACCOUNTS}/institutions", name)


def _registered(event: InstitutionRegistered) -> Sequence[dedupe.Change]:
    return (dedupe.Held(key(event.name), event.originator_id),)


DEDUPE: dedupe.Rules = {InstitutionRegistered: _registered}
"""What the events do to dedupe keys."""


def register(
    *,
    institution_id: str,
    type: str,
    name: str,
    address: str | None,
    latitude: float | None,
    longitude: float | None,
    known: Known,
    origin: Origin,
    cause: str,
) -> list[Event]:
    """Register an institution. AlreadyRegistered where one of that name is."""
    if known.holder(key(name)) is not None:
        raise AlreadyRegistered(TITLE)
    return [
        InstitutionRegistered(
            originator_id=stream(ACCOUNTS, institution_id),
            originator_version=1,
            happened_at=origin.recorded_at,
            origin=origin,
            cause=cause,
            institution_id=institution_id,
            type=type,
            name=name,
            address=address,
            latitude=latitude,
            longitude=longitude,
        )
    ]
