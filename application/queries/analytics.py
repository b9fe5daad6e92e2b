"""Queries for statistics of outcomes."""

from datetime import date, datetime
from decimal import Decimal
from typing import ClassVar

from msgspec import Struct

from application.queries.query import Query


class SummarizeOutcome(Query, frozen=True, kw_only=True):
    """Number, mean, spread and trends of the values of one outcome."""

    name: ClassVar[str] = "summarize_outcome"


class ReadSeries(Query, frozen=True, kw_only=True):
    """The values of one outcome per day, week (from Monday) or month."""

    name: ClassVar[str] = "read_series"


class ReadTrend(Query, frozen=True, kw_only=True):
    """The trend of the daily means of one outcome."""

    name: ClassVar[str] = "read_trend"


class CorrelateOutcomes(Query, frozen=True, kw_only=True):
    """The correlation of two outcomes, over pairs of daily means of one subject on one day."""

    name: ClassVar[str] = "correlate_outcomes"


class CompareCohorts(Query, frozen=True, kw_only=True):
    """A comparison of cohorts, which differ in one member of their entries' metadata."""

    name: ClassVar[str] = "compare_cohorts"


class AnalyzeValues(Query, frozen=True, kw_only=True):
    """Statistics of values that come with the request. Only the permission is checked against the directory."""

    name: ClassVar[str] = "analyze_values"


class Summary(Struct, frozen=True):
    """Members are None if there are too few values."""

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
    """The number of subjects with values on two or more days, and of those whose daily means rise or fall."""

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
    """The first and the last value of one subject, exact, and its cohort."""

    cohort: str
    first: Decimal
    last: Decimal
