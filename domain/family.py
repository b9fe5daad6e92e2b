"""Families: users who may see their own children.

Decisions; the events and the state are the user's.
"""

from domain.event import Origin
from domain.user import FamilyTied, FamilyUntied, User, stream_of


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
