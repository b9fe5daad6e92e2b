"""Filters of a list: from query parameters to conditions, order and page."""

import calendar
import math
import re
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from adapters.http import times
from application.queries.measurements import Condition, Operator, Order, ReadMeasurements
from application.queries.query import Page, Paging, T
from domain.refusal import BadFilter

LIMIT = 1_000
"""Items on a page, at most."""

CONDITIONS = 100
"""Of a question, all alternatives together, at most: a statement grows with each."""

_OPERATORS = {name: Operator[name.upper()] for name in ("gt", "gte", "lt", "lte", "ne")}
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_PERIOD = re.compile(r"([0-9]{1,6})([dwmy])")
_WHOLE = re.compile(r"[0-9]{1,18}")


def read(parameters: Iterable[tuple[str, str]], query: ReadMeasurements, *, now: datetime) -> ReadMeasurements:
    """The query, narrowed by its parameters. BadFilter names the first that cannot be read, or that there is not."""
    groups: list[tuple[Condition, ...]] = []
    order: list[Order] = []
    once: dict[str, str] = {}
    for name, value in parameters:
        if "\0" in value:
            raise BadFilter(name)
        if name in _PARSERS:
            groups.append(_alternatives(name, value, most=CONDITIONS - sum(map(len, groups))))
        elif name == "sort":
            order += _order(value)
        elif name in ("page", "limit", "start_at", "end_at", "period") and name not in once:
            once[name] = value
        else:
            raise BadFilter(name)
    return replace(query, conditions=(*groups, *_bounds(once, now)), order=tuple(order), paging=_paging(once))


async def asked(parameters: Iterable[tuple[str, str]], ask: Callable[[Paging], Awaitable[Page[T]]]) -> Page[T]:
    """The page of a list that has no filters. BadFilter, but who may not ask at all is told that first."""
    try:
        paging = _only_paging(parameters)
    except BadFilter:
        await ask(Paging())
        raise
    return await ask(paging)


def _only_paging(parameters: Iterable[tuple[str, str]]) -> Paging:
    once: dict[str, str] = {}
    for name, value in parameters:
        if name not in ("page", "limit") or name in once:
            raise BadFilter(name)
        once[name] = value
    return _paging(once)


def _paging(given: dict[str, str]) -> Paging:
    paging = Paging(_whole("page", given, Paging().page), _whole("limit", given, Paging().limit))
    if paging.limit > LIMIT:
        raise BadFilter("limit")
    return paging


def _alternatives(member: str, value: str, most: int) -> tuple[Condition, ...]:
    """`62,gt:70`: any of these."""
    if value.count(",") >= most:
        raise BadFilter(member)
    return tuple(_condition(member, alternative) for alternative in value.split(","))


def _condition(member: str, text: str) -> Condition:
    prefix, colon, rest = text.partition(":")
    if colon and prefix in _OPERATORS:
        operator, text = _OPERATORS[prefix], rest
    else:
        operator = Operator.EQ
    operand = _PARSERS[member](text)
    if operand is None or operand == "":
        raise BadFilter(member)
    if isinstance(operand, str) and "*" in operand:
        if operator not in (Operator.EQ, Operator.NE):
            raise BadFilter(member)
        operator = Operator.LIKE if operator is Operator.EQ else Operator.UNLIKE
    return Condition(member, operator, operand)


def time(text: str) -> datetime | None:
    """A time, or a date alone, which is its midnight. A `+` that was not escaped has arrived as a space."""
    text = text.replace(" ", "+")
    return times.parse(f"{text}T00:00:00Z" if _DATE.fullmatch(text) else text)


def _number(text: str) -> float | None:
    if not _NUMBER.fullmatch(text):
        return None
    number = float(text)
    return number if math.isfinite(number) else None


_PARSERS: dict[str, Callable[[str], datetime | float | str | None]] = {
    "timestamp": time,
    "value": _number,
    "unit": str,
}
"""Members of a measurement that can be filtered and sorted by → what reads an operand."""


def _order(value: str) -> Iterable[Order]:
    for by in value.split(","):
        member = by.removeprefix("-")
        if member not in _PARSERS:
            raise BadFilter(f"sort={member}")
        yield Order(member, descending=by.startswith("-"))


def _whole(name: str, given: dict[str, str], default: int) -> int:
    if name not in given:
        return default
    if not _WHOLE.fullmatch(given[name]) or int(given[name]) < 1:
        raise BadFilter(name)
    return int(given[name])


def _bounds(given: dict[str, str], now: datetime) -> list[tuple[Condition, ...]]:
    """`start_at` inclusive, `end_at` exclusive; a period stands for the one of them that is not given."""
    start = _bound("start_at", given, now)
    end = _bound("end_at", given, now)
    if "period" in given:
        if start is not None and end is not None:
            raise BadFilter("period")
        if start is not None:
            end = _shift(start, given["period"], 1)
        else:
            end = end or now
            start = _shift(end, given["period"], -1)
    bounds = ((Operator.GTE, start), (Operator.LT, end))
    return [(Condition("timestamp", operator, bound),) for operator, bound in bounds if bound is not None]


def _bound(name: str, given: dict[str, str], now: datetime) -> datetime | None:
    if name not in given:
        return None
    if given[name] == "today":
        return datetime(now.year, now.month, now.day, tzinfo=UTC)
    bound = time(given[name])
    if bound is None:
        raise BadFilter(name)
    return bound


def _shift(instant: datetime, period: str, sign: int) -> datetime:
    """The instant a period later (or earlier); the last day of a month that has no such day."""
    found = _PERIOD.fullmatch(period)
    if found is None:
        raise BadFilter("period")
    count, unit = sign * int(found[1]), found[2]
    try:
        if unit in "dw":
            return instant + timedelta(days=count * (7 if unit == "w" else 1))
        years, month = divmod(instant.month - 1 + count * (12 if unit == "y" else 1), 12)
        year = instant.year + years
        day = min(instant.day, calendar.monthrange(year, month + 1)[1])
        return instant.replace(year=year, month=month + 1, day=day)
    except (OverflowError, ValueError) as error:
        raise BadFilter("period") from error
