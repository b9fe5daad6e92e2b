"""Query parameters of a list of measurements: filters, order and page."""

import math
import re
from collections.abc import Callable
from datetime import datetime

from msgspec.structs import replace

from adapters import times
from adapters.http.schemas import lengths, paging, periods, query_parameters
from adapters.http.schemas.json_schema import DATE, NUMBER, TIME, array, pattern
from adapters.http.schemas.paging import PAGED
from adapters.http.schemas.query_parameters import Declared, Parameter, ParameterValues
from application.queries.measurements import Condition, Operator, Order, ReadMeasurements
from application.queries.query import Paging
from domain.refusal import BadFilter, TooLarge

Operand = datetime | float | str


CONDITIONS = 100
"""Maximum number of conditions of a query, alternatives included: each makes the statement longer."""

_OPERATORS = {name: Operator[name.upper()] for name in ("gt", "gte", "lt", "lte", "ne")}
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")


Alternatives = tuple[Condition, ...]
"""Conditions of which at least one must hold: `62,gt:70`."""


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
        description=f"{description} The prefixes `gt:`, `gte:`, `lt:`, `lte:` and `ne:` compare. A comma means “or”, "
        f"repeating the parameter means “and”. At most {CONDITIONS} conditions in all.",
        repeated=True,
    )


_OPERATOR = "(?:(?:gt|gte|lt|lte|ne):)?"
_WORDS = r"(?:(?:gt|gte|lt|lte):[^*,\u0000]+|(?:ne:)?(?!(?:gt|gte|lt|lte|ne):)[^,\u0000]+)"

TIMESTAMP = _filter(
    "timestamp",
    times.parse_time_or_date,
    f"{_OPERATOR}(?:{TIME}|{DATE})",
    query_parameters.TIME_OR_DATE,
    "A time, or a date, which means its midnight in UTC.",
)
VALUE = _filter("value", _number, f"{_OPERATOR}{NUMBER}", "a number", "A number.")
UNIT = _filter(
    "unit",
    str,
    _WORDS,
    "a text (with * in it only after ne:)",
    "Text, in which `*` matches any characters; with `*` the only prefix is `ne:`.",
)
MEMBERS = (TIMESTAMP, VALUE, UNIT)
"""Members of a measurement by which a list can be filtered and sorted."""


_NAMES = [member.name for member in MEMBERS]
_SORTS = f"{', '.join(_NAMES[:-1])} or {_NAMES[-1]}, with - in front where descending, or several with commas between"


def _order(text: str) -> tuple[Order, ...]:
    """`+` in front, which may arrive as a space, means ascending, which is the default."""
    order = []
    for by in text.split(","):
        member = by[1:] if by[:1] in ("-", "+", " ") else by
        if member not in _NAMES:
            raise BadFilter(f"sort={by}", _SORTS)
        order.append(Order(member, descending=by.startswith("-")))
    return tuple(order)


_TYPES = {TIMESTAMP.name: datetime, VALUE.name: float, UNIT.name: str}

_SORTED = f"[-+ ]?(?:{'|'.join(_NAMES)})"

SORT: Parameter[tuple[Order, ...]] = Parameter(
    name="sort",
    read=_order,
    expected=_SORTS,
    schema=pattern(f"{_SORTED}(?:,{_SORTED})*", maxLength=lengths.TEXT),
    description="Members to sort by; `-` in front sorts descending.",
    default=(),
    example="timestamp,-value",
)
LIST: Declared = (*PAGED, *MEMBERS, SORT, *periods.PARAMETERS)
"""All query parameters of a list of measurements."""


def narrowed(query: ReadMeasurements, parameters: ParameterValues, *, now: datetime) -> ReadMeasurements:
    """The query with conditions, order and page from its parameters. Raises TooLarge for too many conditions, and
    BadFilter for parameters that exclude each other."""
    groups = [group for member in MEMBERS for group in parameters.all(member)]
    if sum(map(len, groups)) > CONDITIONS:
        raise too_many(groups[-1][0].member)
    conditions = (*groups, *periods.conditions(parameters, now))
    return replace(query, conditions=conditions, order=parameters[SORT], paging=_paging(parameters))


def _paging(parameters: ParameterValues) -> Paging:
    """The id is the last key of every order."""
    return paging.paging(parameters, *(_TYPES[by.member] for by in parameters[SORT]), str)


def too_many(member: str) -> TooLarge:
    """The refusal of a query with too many conditions."""
    return TooLarge(member, CONDITIONS, "conditions, with those of other parameters")
