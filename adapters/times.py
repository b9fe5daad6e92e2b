"""Times as the contract writes them: RFC 3339 in, with or without a zone, and out in UTC with milliseconds."""

import re
from datetime import UTC, date, datetime

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:[0-5]\d)?", re.ASCII)

_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)

FIRST_YEAR, LAST_YEAR = 1678, 2261


def today() -> date:
    """In UTC."""
    return datetime.now(UTC).date()


def parse_date(text: str) -> date | None:
    """`2019-06-20`; None when the text is no such date."""
    try:
        return date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        return None


def parse(text: str) -> datetime | None:
    """The instant, in UTC, to the millisecond; without a zone it is UTC. None when the text is no such time."""
    time = exactly(text)
    if time is not None and time.microsecond % 1000:
        return time.replace(microsecond=time.microsecond // 1000 * 1000)
    return time


def exactly(text: str) -> datetime | None:
    """The same, to the microsecond."""
    if not _TIME.fullmatch(text) or not FIRST_YEAR <= int(text[:4]) <= LAST_YEAR:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    if time.tzinfo is UTC:
        return time
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def parse_time_or_date(text: str) -> datetime | None:
    """The same; a date alone is its midnight. A `+` that was not escaped in a query arrives as a space."""
    text = text.replace(" ", "+")
    return parse(f"{text}T00:00:00Z" if _DATE.fullmatch(text) else text)


def parse_exact_time_or_date(text: str) -> datetime | None:
    """The same, to the microsecond, which is the precision of recording times."""
    return exactly(text.replace(" ", "+")) or parse_time_or_date(text)


def render(time: datetime) -> str:
    """`2019-06-20T14:40:00.000Z`, of a time in UTC."""
    return f"{time.isoformat(timespec='milliseconds')[:-6]}Z"
