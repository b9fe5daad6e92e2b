"""What an error of the database says, without the rows that it is about."""

import re

import psycopg

_FURTHER = re.compile(r"\s*^\s*(?:DETAIL|CONTEXT|HINT|QUERY|WHERE|LINE \d+):.*\Z", re.MULTILINE | re.DOTALL)
"""The lines after the message, to the end: their values may have lines of their own."""


def without_detail(text: str) -> str:
    """The text up to where PostgreSQL adds details, which may hold what somebody has measured."""
    return _FURTHER.sub("", text).strip()


def message_of(error: BaseException) -> str:
    """The message of any error. Of one of the database only what is wrong: no row, no statement."""
    if isinstance(error, psycopg.Error) and error.diag.message_primary:
        return error.diag.message_primary
    return without_detail(str(error)) or type(error).__name__
