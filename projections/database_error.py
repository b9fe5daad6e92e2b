"""Messages of database errors without the values of rows that PostgreSQL adds to them."""

import re

import psycopg

_FURTHER = re.compile(r"\s*^\s*(?:DETAIL|CONTEXT|HINT|QUERY|WHERE|LINE \d+):.*\Z", re.MULTILINE | re.DOTALL)
"""Everything after the message: values in it may span several lines."""


def without_detail(text: str) -> str:
    """The text up to the details of PostgreSQL, which may hold personal data."""
    return _FURTHER.sub("", text).strip()


def message_of(error: BaseException) -> str:
    """The message of any error, for the log. A database error is reduced to its primary message: no row, no statement;
    one about a value to its SQLSTATE, since its message quotes the value."""
    if isinstance(error, psycopg.DataError):
        return f"a value is invalid (SQLSTATE {error.sqlstate or 'unknown'})"
    if isinstance(error, psycopg.Error) and error.diag.message_primary:
        return error.diag.message_primary
    return without_detail(str(error)) or type(error).__name__
