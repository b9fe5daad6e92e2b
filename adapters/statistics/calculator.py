"""Runs the statistics off the event loop, and imports them with the first calculation, so that the service starts fast.

A thread calculates with few values. Many would hold the interpreter lock for long: a subprocess calculates with them.
"""

import asyncio
from array import array
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from adapters.statistics.results import Changepoints, Coefficient, Cohort, Comparison, Correlation, Method, Trend

if TYPE_CHECKING:
    from adapters.statistics.processes import Processes

MANY = 10_000
"""More values than these are calculated with in a subprocess."""

T = TypeVar("T")

_processes: "Processes | None" = None


def stop() -> None:
    """Kill the subprocesses and their calculations."""
    if _processes is not None:
        _processes.stop()


async def trend(values: Sequence[float], x: Sequence[float] | None, alpha: float) -> Trend:
    return await _calculated(_size(values, x), _trend, values, x, alpha)


async def coefficient(x: Sequence[float], y: Sequence[float], method: Method, members: tuple[str, str]) -> Coefficient:
    """`members`: the names of the two series in errors."""
    return await _calculated(_size(x, y), _coefficient, x, y, method, members)


async def compare(cohorts: Sequence[Cohort], *, higher_is_better: bool) -> Comparison:
    size = sum(_size(cohort.firsts, cohort.lasts) for cohort in cohorts)
    return await _calculated(size, _compare, cohorts, higher_is_better)


# As JSON: encoding the result of many values takes long, too.


async def trend_as_json(values: Sequence[float], x: Sequence[float] | None, alpha: float) -> bytes:
    return await _calculated(_size(values, x), _as_json, _trend, values, x, alpha)


async def changepoints_as_json(values: Sequence[float], min_segment_size: int, alpha: float) -> bytes:
    return await _calculated(len(values), _as_json, _changepoints, values, min_segment_size, alpha)


async def correlation_as_json(x: Sequence[float], y: Sequence[float], method: Method, alpha: float) -> bytes:
    return await _calculated(_size(x, y), _as_json, _correlate, x, y, method, alpha)


def _size(values: Sequence[Any], others: Sequence[Any] | None) -> int:
    return len(values) + len(others or ())


async def _calculated(size: int, calculate: Callable[..., T], *arguments: Any) -> T:
    if size <= MANY:
        return await asyncio.to_thread(calculate, *arguments)
    packed = [array("d", each) if isinstance(each, list) else each for each in arguments]
    return await _the_processes().run(size, calculate, *packed)


def _the_processes() -> "Processes":
    global _processes  # noqa: PLW0603  # made when the first is asked for
    if _processes is None:
        from adapters.statistics.processes import Processes

        _processes = Processes()
    return _processes


def _as_json(calculate: Callable[..., Any], *arguments: Any) -> bytes:
    return msgspec.json.encode(calculate(*arguments))


def _trend(values: Sequence[float], x: Sequence[float] | None, alpha: float) -> Trend:
    from adapters.statistics.trend import trend

    return trend(values, x, alpha)


def _changepoints(values: Sequence[float], min_segment_size: int, alpha: float) -> Changepoints:
    from adapters.statistics.changepoint import changepoints

    return changepoints(values, min_segment_size, alpha)


def _correlate(x: Sequence[float], y: Sequence[float], method: Method, alpha: float) -> Correlation:
    from adapters.statistics.correlation import correlate

    return correlate(x, y, method, alpha)


def _coefficient(x: Sequence[float], y: Sequence[float], method: Method, members: tuple[str, str]) -> Coefficient:
    from adapters.statistics.correlation import coefficient

    return coefficient(x, y, method, members=members)


def _compare(cohorts: Sequence[Cohort], higher_is_better: bool) -> Comparison:
    from adapters.statistics.comparison import compare

    return compare(cohorts, higher_is_better=higher_is_better)
