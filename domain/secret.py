"""Members of events and states that are never shown to anybody."""

from collections.abc import Mapping
from typing import Any

SECRETS = frozenset({"password_hash"})
"""Names of members, and of columns of tables."""

BLANK = "…"
"""The text that is shown instead."""


def blanked(members: Mapping[str, Any]) -> dict[str, Any]:
    """The members, with BLANK in place of secrets."""
    return {name: BLANK if name in SECRETS else value for name, value in members.items()}
