"""The parameters of a list of measurements that bound its time: `start_at`, `end_at` and `period`."""

import calendar
import re
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from adapters import times
from adapters.http.schemas.json_schema import DATE, TIME, pattern
from adapters.http.schemas.query_parameters import Declared, Parameter, ParameterValues
from application.queries.measurements import Condition, Operator

_PERIOD = re.compile(r"([0-9]{1,6})([dwmy])")


class Today(Struct, frozen=True):
    """Midnight in UTC of the day of the request."""


def _bound(name: str, description: str) -> Parameter[datetime | Today | None]:
    return Parameter(
        name=name,
        read=lambda text: Today() if text == "today" else times.parse_time_or_date(text),
        expected="today, a date, or a time in the format yyyy-MM-ddTHH:mm:ssZ",
        schema=pattern(f"today|{TIME}|{DATE}"),
        description=description,
        default=None,
    )


def _length(text: str) -> tuple[int, str] | None:
    found = _PERIOD.fullmatch(text)
    return None if found is None else (int(found[1]), found[2])


START_AT = _bound("start_at", "The earliest `timestamp`, inclusive.")
END_AT = _bound("end_at", "The latest `timestamp`, exclusive.")
PERIOD: Parameter[tuple[int, str] | None] = Parameter(
    name="period",
    read=_length,
    expected="a number of days, weeks, months or years (7d, 4w, 3m, 1y), not with both start_at and end_at",
    schema=pattern("[0-9]{1,3}[dwmy]"),
    description="A number of days, weeks, months or years: after `start_at`, before `end_at`, or before now. It "
    "cannot be combined with both.",
    default=None,
    example="4w",
)

PARAMETERS: Declared = (START_AT, END_AT, PERIOD)


def conditions(parameters: ParameterValues, now: datetime) -> list[tuple[Condition]]:
    """Conditions for `start_at` and `end_at`; a period replaces the one that is missing."""
    start, end = (_instant(parameters[bound], now) for bound in (START_AT, END_AT))
    period = parameters[PERIOD]
    if period is not None:
        if start is not None and end is not None:
            raise PERIOD.bad
        if start is not None:
            end = _shift(start, *period, 1)
        else:
            end = end or now
            start = _shift(end, *period, -1)
    bounds = ((Operator.GTE, start), (Operator.LT, end))
    return [(Condition("timestamp", operator, bound),) for operator, bound in bounds if bound is not None]


def _instant(bound: datetime | Today | None, now: datetime) -> datetime | None:
    return datetime(now.year, now.month, now.day, tzinfo=UTC) if isinstance(bound, Today) else bound


def _shift(instant: datetime, count: int, unit: str, sign: int) -> datetime:
    """The instant shifted by a period; in a shorter month its last day."""
    count *= sign
    try:
        if unit in "dw":
            return instant + timedelta(days=count * (7 if unit == "w" else 1))
        years, month = divmod(instant.month - 1 + count * (12 if unit == "y" else 1), 12)
        year = instant.year + years
        day = min(instant.day, calendar.monthrange(year, month + 1)[1])
        return instant.replace(year=year, month=month + 1, day=day)
    except (OverflowError, ValueError) as error:
        raise PERIOD.bad from error
