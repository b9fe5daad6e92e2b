"""Statistics of the values of outcomes, from the daily rollups and, where these do not suffice, from the values."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, LiteralString

from msgspec import Struct
from psycopg import sql

from adapters.postgres.query_pools import QueryPool
from adapters.postgres.readers.freshness import SQL, RequiredEvents, RequiredValueEvents, fresh_rows
from adapters.postgres.readers.outcomes import in_period, parts_of
from application.queries.analytics import Change, DailyMean, Point, Slopes, Summary
from application.queries.outcomes import OutcomeRow, Period
from domain.measurement import KINDS
from projections.views.outcomes import Outcomes, source_of, unit_of

DAY = timedelta(days=1)


class Values(Struct, frozen=True):
    """A selection of values: those of one outcome, in a period, of one subject or of all."""

    outcome: OutcomeRow
    period: Period = Period()
    subject_id: str | None = None


def kinds_of(outcome: OutcomeRow) -> list[str]:
    """The kinds of measurements that feed an outcome: one or none."""
    return [outcome.metric_key] if outcome.metric_key in KINDS else []


def sources_of(outcome: OutcomeRow) -> list[str]:
    """The sources of an outcome's values: its entries, and measurements of its institution's children."""
    return [outcome.id, *(source_of(outcome.brand_id.lower(), kind) for kind in kinds_of(outcome))]


class AnalyticsReader:
    """Every query raises Unavailable if the view stays behind the event log."""

    def __init__(self, pool: QueryPool, partitions: int) -> None:
        self._pool = pool
        self._partitions = partitions

    async def series(self, values: Values, granularity: str) -> list[Point]:
        """In order of time, without empty periods. `granularity`: `day`, `week` or `month`."""
        return [Point(*row) for row in await self._periods(values, granularity)]

    async def daily_means(self, values: Values) -> list[DailyMean]:
        """The means of all values of each day (UTC), over all subjects; in order of time."""
        return [DailyMean(day, mean) for day, _, mean, _, _ in await self._periods(values, "day")]

    async def _periods(self, values: Values, granularity: str) -> list[tuple[Any, ...]]:
        """Adds the entries that the view has not seen yet, so it waits for the view only because of other events."""
        rows = self._select("periods", values, granularity=granularity)
        return await fresh_rows(self._pool, self._required(values, adds_entries=True), *rows)

    async def summary(self, values: Values) -> Summary:
        is_whole = values == Values(values.outcome) and len(sources_of(values.outcome)) == 1
        name = "summary_of_one_source" if is_whole else "summary"
        (row,) = await self._fresh(name, values, source=values.outcome.id)
        count, subjects, mean, median, deviation, minimum, maximum, first_at, last_at, *slopes = row
        return Summary(
            count, subjects, mean, median, deviation, minimum, maximum, _utc(first_at), _utc(last_at), Slopes(*slopes)
        )

    async def pairs(self, one: Values, other: Values) -> list[tuple[float, float]]:
        """Pairs of daily means of two outcomes, each of one subject on one day; ordered by subject and day."""
        mine, theirs = _Selection(one, self._partitions), _Selection(other, self._partitions, prefix="other_")
        rows = sql.SQL(SQL["pairs"]).format(means=mine.means, other_means=theirs.means)
        return await fresh_rows(self._pool, self._required(one, other), rows, mine.parameters | theirs.parameters)

    async def changes(self, values: Values, by: str) -> list[Change]:
        """First and last value of each subject that has at least two values and a cohort."""
        return [
            Change(cohort, Decimal(first), Decimal(last))
            for cohort, first, last in await self._fresh("changes", values, by=by)
        ]

    def _required(self, *selections: Values, adds_entries: bool = False) -> RequiredEvents:
        """The events that the selections depend on. All must have the same `subject_id`."""
        outcomes = [values.outcome for values in selections]
        return RequiredValueEvents(
            Outcomes.name,
            parts_of(selections[0].subject_id, self._partitions),
            sources=[source for outcome in outcomes for source in sources_of(outcome)],
            kinds=[kind for outcome in outcomes for kind in kinds_of(outcome)],
            subject_id=selections[0].subject_id,
            adds_entries=adds_entries,
        )

    async def _fresh(self, name: str, values: Values, **parameters: Any) -> list[tuple[Any, ...]]:
        return await fresh_rows(self._pool, self._required(values), *self._select(name, values, **parameters))

    def _select(self, name: str, values: Values, **parameters: Any) -> tuple[sql.Composed, dict[str, Any]]:
        """The named select for these values, and its parameters."""
        selection = _Selection(values, self._partitions)
        period = values.period
        select = sql.SQL(SQL[name]).format(
            daily=selection.daily,
            slopes=selection.slopes if name != "summary_of_one_source" else SLOPES_OF_ONE_SOURCE,
            of_entries=selection.of_entries,
            in_period=in_period(period.start, period.end),
        )
        return select, {**selection.parameters, **parameters, "start": period.start, "end": period.end}


def _slopes(each: sql.Composable) -> sql.Composed:
    return sql.SQL(SQL["slopes"]).format(each=each)


def _slope_of_each(like_days: sql.Composable) -> sql.Composed:
    return sql.SQL(SQL["slope_of_each"]).format(like_days=like_days)


_LIKE_DAYS = sql.SQL(SQL["like_days_of_one_source"])

SLOPES_OF_ONE_SOURCE = _slopes(
    sql.SQL(SQL["slope_of_each_of_one_source"]).format(like_days=_LIKE_DAYS, slope_of_each=_slope_of_each(_LIKE_DAYS))
)


class _Selection:
    """The SQL that selects values, and its parameters. `prefix` keeps two selections of one statement apart."""

    def __init__(self, values: Values, partitions: int, *, prefix: str = "") -> None:
        self._prefix = prefix
        self.parameters: dict[str, Any] = {}
        outcome, period = values.outcome, values.period
        sources = sources_of(outcome)
        start, end = period.start, period.end
        first = None if start is None else _first_whole_day(start)
        past = None if end is None else end.date()
        rollup = "days" if values.subject_id is None else "subject_days"
        of_all = [
            self._compared("{}.part = any ({}::smallint[])", "parts", parts_of(values.subject_id, partitions)),
            self._compared("{}.source = any ({}::text[])", "sources", sources),
        ]
        if outcome.unit is not None:
            of_all.append(self._compared("{}.unit = any ({}::text[])", "units", ["", unit_of(outcome.unit)]))
        if values.subject_id is not None:
            of_all.append(self._compared("{}.subject_id = {}", "subject", values.subject_id))
        of_days = [
            self._compared("{}.day >= {}::date", "first", first),
            self._compared("{}.day < {}::date", "past", past),
        ]
        ends = [
            sql.SQL("e.at >= {} and e.at < {}").format(self._value(lower), self._value(upper))
            for lower, upper in _ends(start, end, first, past)
        ]
        self.of_entries = _all(condition("e") for condition in of_all)
        parts = {
            "rollup": sql.Identifier(rollup),
            "of_rollup": _all(condition("r") for condition in (*of_all, *of_days)),
            "of_entries": self.of_entries,
            "in_ends": sql.SQL("({})").format(sql.SQL(" or ").join(ends)) if ends else sql.SQL("false"),
        }
        # A subject has one rollup a day of a source; only of several, or of parts of days, means must be made.
        means = "means_of_one_source" if len(sources) == 1 and not ends else "means"
        of_subjects = sql.SQL(SQL["of_subjects"]).format(**parts)
        self.daily = sql.SQL(SQL["daily"]).format(**parts)
        self.means = sql.SQL(SQL[means]).format(**parts, of_subjects=of_subjects)
        self.slopes = _slopes(_slope_of_each(sql.SQL(SQL["like_days"]).format(of_subjects=of_subjects)))

    def _value(self, value: Any) -> sql.Composable:
        name = f"{self._prefix}{len(self.parameters)}"
        self.parameters[name] = value
        return sql.Placeholder(name)

    def _compared(self, template: LiteralString, name: str, value: Any) -> Callable[[str], sql.Composable]:
        """A function from a table name to the condition; comparing with None is always true."""
        if value is None:
            return lambda _: sql.SQL("true")
        self.parameters[self._prefix + name] = value
        return lambda table: sql.SQL(template).format(sql.Identifier(table), sql.Placeholder(self._prefix + name))


def _all(conditions: Iterable[sql.Composable]) -> sql.Composable:
    return sql.SQL(" and ").join(conditions)


def _first_whole_day(start: datetime) -> date:
    return start.date() if start == _midnight(start.date()) else start.date() + DAY


def _ends(
    start: datetime | None, end: datetime | None, first: date | None, past: date | None
) -> Iterator[tuple[datetime, datetime]]:
    """The parts of a period that are not whole days, each as start and (exclusive) end."""
    if start is not None and end is not None and first is not None and past is not None and first > past:
        yield start, end
        return
    if start is not None and first is not None and start < _midnight(first):
        yield start, _midnight(first)
    if end is not None and past is not None and _midnight(past) < end:
        yield _midnight(past), end


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _utc(instant: datetime | None) -> datetime | None:
    return None if instant is None else instant.astimezone(UTC)
