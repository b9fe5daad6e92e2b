"""Families: accounts that are linked to their own children.

Decisions. The events and the state are in `domain.user`.
"""

from domain.event import Fact
from domain.user import FamilyLinked, FamilyUnlinked, User, stream_of


def link(family: User, child_id: str) -> Fact:
    """Link a family to a registered child that it is not linked to yet."""
    return Fact(stream_of(family.user_id), FamilyLinked(family_id=family.user_id, child_id=child_id))


def unlink(family: User, child_id: str) -> Fact:
    """Unlink a family from a child that it is linked to."""
    return Fact(stream_of(family.user_id), FamilyUnlinked(family_id=family.user_id, child_id=child_id))
