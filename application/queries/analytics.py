"""Questions about what the values of outcomes say."""

from datetime import date, datetime
from decimal import Decimal
from typing import ClassVar

from msgspec import Struct

from application.queries.query import Query


class SummarizeOutcome(Query, frozen=True, kw_only=True):
    """Of the values of one outcome: how many there are, what they are like, and whose get better."""

    name: ClassVar[str] = "summarize_outcome"


class ReadSeries(Query, frozen=True, kw_only=True):
    """Per day, week (from Monday) or month."""

    name: ClassVar[str] = "read_series"


class ReadTrend(Query, frozen=True, kw_only=True):
    """Of the means of the days."""

    name: ClassVar[str] = "read_trend"


class CorrelateOutcomes(Query, frozen=True, kw_only=True):
    """Of pairs of daily means of one subject on one day."""

    name: ClassVar[str] = "correlate_outcomes"


class CompareCohorts(Query, frozen=True, kw_only=True):
    """Of the cohorts that a member of the entries' metadata tells apart."""

    name: ClassVar[str] = "compare_cohorts"


class AnalyzeValues(Query, frozen=True, kw_only=True):
    """Of values that come with the question: nothing is read, but who may ask."""

    name: ClassVar[str] = "analyze_values"


class Summary(Struct, frozen=True):
    """None where there are too few values."""

    count: int
    subjects: int
    mean: float | None
    median: float | None
    standard_deviation: float | None
    minimum: float | None
    maximum: float | None
    first_at: datetime | None
    last_at: datetime | None
    slopes: "Slopes"


class Slopes(Struct, frozen=True):
    """Of the subjects with values on two days or more: how many there are, and whose daily means rise or fall."""

    subjects: int
    rising: int
    falling: int


class Point(Struct, frozen=True):
    """One period of a series."""

    start: date
    count: int
    mean: float
    minimum: float
    maximum: float


class DailyMean(Struct, frozen=True):
    day: date
    mean: float


class Change(Struct, frozen=True):
    """The first and the last value of one subject, exact, and the cohort that it belongs to."""

    cohort: str
    first: Decimal
    last: Decimal
