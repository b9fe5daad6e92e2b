"""Maximum lengths of the texts of a request, for the parsers and for the OpenAPI document."""

TEXT = 200
"""Maximum characters of a text that is not in the table."""

LENGTHS = {
    "unit": 64,
    "timestamp": 64,
    "recorded_at": 64,
    "address": 500,
    "description": 2_000,
}
"""Member of a body → maximum characters of its text."""

NUMBER = 400
"""Maximum characters of a number: the largest double has 309 digits before its point."""

ID = 64
"""Maximum characters of a text that may be an id."""


def of(member: str) -> int:
    """Maximum characters of the text of a member."""
    return LENGTHS.get(member, TEXT)
