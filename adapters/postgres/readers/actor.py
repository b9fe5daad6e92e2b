"""Who asks, as the statements of questions find it: one JSON column, so that it travels with every answer."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from application.ports import UserRow


def actor_row(found: Sequence[Any] | None) -> UserRow | None:
    """The directory's row of whoever asks, from `[role, password changes, seconds since 1970 of the last]`; None where
    nobody of that id is there."""
    if found is None:
        return None
    role, changes, changed_at = found
    return UserRow(role, None, changes, None if changed_at is None else datetime.fromtimestamp(changed_at, UTC))
