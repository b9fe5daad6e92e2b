"""How long what a request says may be: the one place that both the parsers and the OpenAPI document ask."""

TEXT = 200
"""Characters of a text whose member is not in the table."""

LENGTHS = {
    "unit": 64,
    "timestamp": 64,
    "recorded_at": 64,
    "address": 500,
    "description": 2_000,
}
"""Member of a body → characters of its text, at most."""

NUMBER = 400
"""Characters of a number, at most: the largest double has 309 digits before its point."""

ID = 64
"""Characters of what may be an id, at most."""


def of(member: str) -> int:
    """Characters of the text of this member, at most."""
    return LENGTHS.get(member, TEXT)
