"""Families: users who may see their own children. A tie is a fact of the family's own stream.

Events · decisions.
"""

from typing import ClassVar

from domain.event import Event, Origin
from domain.user import User, stream_of


class FamilyTied(Event, frozen=True, kw_only=True):
    """From now on the child is the family's."""

    stored_name: ClassVar[str] = "family.tied.v1"

    family_id: str
    child_id: str


class FamilyUntied(Event, frozen=True, kw_only=True):
    """The child is the family's no longer."""

    stored_name: ClassVar[str] = "family.untied.v1"

    family_id: str
    child_id: str


def tie(family: User, child_id: str, *, origin: Origin, cause: str) -> FamilyTied:
    """Tie a family to a child who is there and not yet its own."""
    return FamilyTied(
        originator_id=stream_of(family.user_id),
        originator_version=family.version + 1,
        happened_at=origin.recorded_at,
        origin=origin,
        cause=cause,
        family_id=family.user_id,
        child_id=child_id,
    )


def untie(family: User, child_id: str, *, origin: Origin, cause: str) -> FamilyUntied:
    """Untie a family from a child of its own."""
    return FamilyUntied(
        originator_id=stream_of(family.user_id),
        originator_version=family.version + 1,
        happened_at=origin.recorded_at,
        origin=origin,
        cause=cause,
        family_id=family.user_id,
        child_id=child_id,
    )
