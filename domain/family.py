"""Families: users who may see their own children.

Decisions; the events and the state are the user's.
"""

from domain.event import Origin
from domain.user import FamilyLinked, FamilyUnlinked, User, stream_of


def link(family: User, child_id: str, *, origin: Origin, cause: str) -> FamilyLinked:
    """Link a family to a registered child that it is not linked to yet."""
    return FamilyLinked(
        originator_id=stream_of(family.user_id),
        originator_version=family.version + 1,
        happened_at=origin.recorded_at,
        origin=origin,
        cause=cause,
        family_id=family.user_id,
        child_id=child_id,
    )


def unlink(family: User, child_id: str, *, origin: Origin, cause: str) -> FamilyUnlinked:
    """Unlink a family from a child that it is linked to."""
    return FamilyUnlinked(
        originator_id=stream_of(family.user_id),
        originator_version=family.version + 1,
        happened_at=origin.recorded_at,
        origin=origin,
        cause=cause,
        family_id=family.user_id,
        child_id=child_id,
    )
