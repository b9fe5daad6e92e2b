"""The statistics as a service asks for them: in a thread, so that no question holds up another request, and loaded when
the first is asked for, so that the service starts without them."""

import asyncio
from collections.abc import Sequence

from adapters.analytics.shapes import Changepoints, Coefficient, Cohort, Comparison, Correlation, Method, Trend


async def trend(values: Sequence[float], x: Sequence[float] | None, alpha: float) -> Trend:
    def calculate() -> Trend:
        from adapters.analytics.trend import trend

        return trend(values, x, alpha)

    return await asyncio.to_thread(calculate)


async def changepoints(values: Sequence[float], min_segment_size: int, alpha: float) -> Changepoints:
    def calculate() -> Changepoints:
        from adapters.analytics.changepoint import changepoints

        return changepoints(values, min_segment_size, alpha)

    return await asyncio.to_thread(calculate)


async def correlate(x: Sequence[float], y: Sequence[float], method: Method, alpha: float) -> Correlation:
    def calculate() -> Correlation:
        from adapters.analytics.correlation import correlate

        return correlate(x, y, method, alpha)

    return await asyncio.to_thread(calculate)


async def coefficient(x: Sequence[float], y: Sequence[float], method: Method, members: tuple[str, str]) -> Coefficient:
    """`members` is what a refusal calls the two."""

    def calculate() -> Coefficient:
        from adapters.analytics.correlation import coefficient

        return coefficient(x, y, method, members=members)

    return await asyncio.to_thread(calculate)


async def compare(cohorts: Sequence[Cohort], *, higher_is_better: bool) -> Comparison:
    def calculate() -> Comparison:
        from adapters.analytics.comparison import compare

        return compare(cohorts, higher_is_better=higher_is_better)

    return await asyncio.to_thread(calculate)
