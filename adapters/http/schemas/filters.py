"""The parameters of a list of measurements: from filters to conditions, order and page."""

import calendar
import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from adapters.http.api import lists
from adapters.http.api.lists import PAGED
from adapters.http.schemas import lengths, query_parameters
from adapters.http.schemas.json_schema import DATE, NUMBER, TIME, array, pattern
from adapters.http.schemas.query_parameters import Declared, Parameter, ParameterValues
from application.queries.measurements import Condition, Operator, Order, ReadMeasurements
from application.queries.query import Paging
from domain.refusal import BadFilter, TooLarge

Operand = datetime | float | str


class Today(Struct, frozen=True):
    """Midnight in UTC of the day on which the question comes."""


CONDITIONS = 100
"""Of a question, all alternatives together, at most: a statement grows with each."""

_OPERATORS = {name: Operator[name.upper()] for name in ("gt", "gte", "lt", "lte", "ne")}
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_PERIOD = re.compile(r"([0-9]{1,6})([dwmy])")

Alternatives = tuple[Condition, ...]
"""Conditions of which one is to hold: `62,gt:70`."""


def _condition(member: str, operand_of: Callable[[str], Operand | None], text: str) -> Condition | None:
    prefix, colon, rest = text.partition(":")
    if colon and prefix in _OPERATORS:
        operator, text = _OPERATORS[prefix], rest
    else:
        operator = Operator.EQ
    operand = operand_of(text)
    if operand is None or operand == "":
        return None
    if isinstance(operand, str) and "*" in operand:
        if operator not in (Operator.EQ, Operator.NE):
            return None
        operator = Operator.LIKE if operator is Operator.EQ else Operator.UNLIKE
    return Condition(member, operator, operand)


def _number(text: str) -> float | None:
    if not _NUMBER.fullmatch(text):
        return None
    number = float(text)
    return number if math.isfinite(number) else None


def _filter(
    member: str, operand_of: Callable[[str], Operand | None], operand: str, expected: str, description: str
) -> Parameter[Alternatives]:
    """`operand`: the pattern of one alternative."""

    def read(text: str) -> Alternatives | None:
        found = [_condition(member, operand_of, alternative) for alternative in text.split(",")]
        conditions = tuple(each for each in found if each is not None)
        return conditions if len(conditions) == len(found) else None

    return Parameter(
        name=member,
        read=read,
        expected=f"{expected}, alone or after gt:, gte:, lt:, lte: or ne:, or several with commas between",
        schema=array(pattern(f"{operand}(?:,{operand})*", maxLength=lengths.TEXT)),
        description=f"{description} With `gt:`, `gte:`, `lt:`, `lte:` or `ne:` in front it is compared so; a comma is "
        f"“or”, repeating is “and”; at most {CONDITIONS} in all.",
        repeated=True,
    )


_OPERATOR = "(?:(?:gt|gte|lt|lte|ne):)?"
_WORDS = r"(?:(?:gt|gte|lt|lte):[^*,\u0000]+|(?:ne:)?(?!(?:gt|gte|lt|lte|ne):)[^,\u0000]+)"

TIMESTAMP = _filter(
    "timestamp",
    query_parameters.time,
    f"{_OPERATOR}(?:{TIME}|{DATE})",
    query_parameters.TIME_OR_DATE,
    "A time, or a date, which is its midnight in UTC.",
)
VALUE = _filter("value", _number, f"{_OPERATOR}{NUMBER}", "a number", "A number.")
UNIT = _filter(
    "unit",
    str,
    _WORDS,
    "a text (with * in it only after ne:)",
    "Text, in which `*` stands for any; then only `ne:` goes with it.",
)
MEMBERS = (TIMESTAMP, VALUE, UNIT)
"""Members of a measurement that can be filtered and sorted by."""


_NAMES = [member.name for member in MEMBERS]
_SORTS = f"{', '.join(_NAMES[:-1])} or {_NAMES[-1]}, with - in front where descending, or several with commas between"


def _order(text: str) -> tuple[Order, ...]:
    """A `+` in front, which may have arrived as a space, means what nothing there means."""
    order = []
    for by in text.split(","):
        member = by[1:] if by[:1] in ("-", "+", " ") else by
        if member not in _NAMES:
            raise BadFilter(f"sort={by}", _SORTS)
        order.append(Order(member, descending=by.startswith("-")))
    return tuple(order)


def _bound(name: str, description: str) -> Parameter[datetime | Today | None]:
    return Parameter(
        name=name,
        read=lambda text: Today() if text == "today" else query_parameters.time(text),
        expected="today, a date, or a time in the format yyyy-MM-ddTHH:mm:ssZ",
        schema=pattern(f"today|{TIME}|{DATE}"),
        description=description,
        default=None,
    )


def _length(text: str) -> tuple[int, str] | None:
    found = _PERIOD.fullmatch(text)
    return None if found is None else (int(found[1]), found[2])


_TYPES = {TIMESTAMP.name: datetime, VALUE.name: float, UNIT.name: str}

_SORTED = f"[-+ ]?(?:{'|'.join(_NAMES)})"

SORT: Parameter[tuple[Order, ...]] = Parameter(
    name="sort",
    read=_order,
    expected=_SORTS,
    schema=pattern(f"{_SORTED}(?:,{_SORTED})*", maxLength=lengths.TEXT),
    description="Members by which to sort, `-` descending.",
    default=(),
    example="timestamp,-value",
)
START_AT = _bound("start_at", "`timestamp` from there, inclusive.")
END_AT = _bound("end_at", "`timestamp` up to there, exclusive.")
PERIOD: Parameter[tuple[int, str] | None] = Parameter(
    name="period",
    read=_length,
    expected="a number of days, weeks, months or years (7d, 4w, 3m, 1y), not with both start_at and end_at",
    schema=pattern("[0-9]{1,3}[dwmy]"),
    description="So many days, weeks, months or years: from `start_at`, or up to `end_at`, else up to now; not with "
    "both.",
    default=None,
    example="4w",
)

LIST: Declared = (*PAGED, *MEMBERS, SORT, START_AT, END_AT, PERIOD)
"""Parameters of a list of measurements."""


def narrowed(query: ReadMeasurements, parameters: ParameterValues, *, now: datetime) -> ReadMeasurements:
    """The query, narrowed by its parameters. TooLarge where these are too many; BadFilter where they do not go
    together."""
    groups = [group for member in MEMBERS for group in parameters.all(member)]
    if sum(map(len, groups)) > CONDITIONS:
        raise too_many(groups[-1][0].member)
    return replace(
        query, conditions=(*groups, *_bounds(parameters, now)), order=parameters[SORT], paging=_paging(parameters)
    )


def _paging(parameters: ParameterValues) -> Paging:
    """A measurement is sorted by its id last."""
    return lists.paging(parameters, *(_TYPES[by.member] for by in parameters[SORT]), str)


def too_many(member: str) -> TooLarge:
    """Conditions."""
    return TooLarge(member, CONDITIONS, "conditions, with those of other parameters")


def _bounds(parameters: ParameterValues, now: datetime) -> list[Alternatives]:
    """`start_at` inclusive, `end_at` exclusive; a period stands for the one of them that is not given."""
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
    """The instant a period later (or earlier); the last day of a month that has no such day."""
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
