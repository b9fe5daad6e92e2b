"""What is never shown of a fact or a state, whoever asks."""

from collections.abc import Mapping
from typing import Any

SECRETS = frozenset({"password_hash"})
"""Names of members, and of columns."""

BLANK = "…"
"""What is shown instead."""


def blanked(members: Mapping[str, Any]) -> dict[str, Any]:
    """The members, without what is never shown."""
    return {name: BLANK if name in SECRETS else value for name, value in members.items()}
