"""What the analytics of an outcome answer for given values, worked out without SciPy and without a database."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from math import sqrt
from statistics import median

from tests.acceptance.client import Body
from tests.acceptance.reference import line, mean, products

Row = tuple[str, datetime, float]
"""A value of a subject at a time."""


def rows_of(rows: Iterable[tuple[str, str, float]]) -> list[Row]:
    return [(subject, datetime.fromisoformat(at), value) for subject, at, value in rows]


def daily(rows: Iterable[Row]) -> dict[date, float]:
    """The mean of each day (UTC) with values, by day."""
    days = defaultdict(list)
    for _, at, value in rows:
        days[at.astimezone(UTC).date()].append(value)
    return {day: float(mean(days[day])) for day in sorted(days)}


def slope_of_days(rows: Iterable[Row]) -> Fraction | None:
    """Least squares over the daily means; None of one day."""
    means = daily(rows)
    x = [day.toordinal() for day in means]
    return products(x, list(means.values())) / products(x, x) if len(x) > 1 else None


def summary(rows: Sequence[Row], higher: bool = True) -> Body:
    """What `summary` answers, less the outcome's id and the times; of two values or more."""
    values, subjects = [value for _, _, value in rows], {subject for subject, _, _ in rows}
    slopes = [slope_of_days(row for row in rows if row[0] == subject) for subject in subjects]
    better = [slope > 0 if higher else slope < 0 for slope in slopes if slope is not None]
    return {
        "count": len(values),
        "subjects": len(subjects),
        "mean": float(mean(values)),
        "median": median(values),
        "standard_deviation": sqrt(products(values, values) / (len(values) - 1)),
        "minimum": min(values),
        "maximum": max(values),
        "improving": sum(better) / len(better) if better else None,
    }


STARTS: dict[str, Callable[[date], date]] = {
    "day": lambda day: day,
    "week": lambda day: day - timedelta(days=day.weekday()),
    "month": lambda day: day.replace(day=1),
}


def series(rows: Iterable[Row], granularity: str) -> list[Body]:
    """The points that `series` answers."""
    periods = defaultdict(list)
    for _, at, value in rows:
        periods[STARTS[granularity](at.astimezone(UTC).date())].append(value)
    return [
        {
            "start": f"{start.isoformat()}T00:00:00.000Z",
            "count": len(values),
            "mean": float(mean(values)),
            "minimum": min(values),
            "maximum": max(values),
        }
        for start, values in sorted(periods.items())
    ]


def trend(rows: Iterable[Row], higher: bool = True) -> Body:
    """What `trend` answers."""
    means = daily(rows)
    answer = line(list(means.values()), [(day - min(means)).days for day in means])
    return answer | {"better": (answer["slope"] > 0) == higher if answer["significant"] else None}
