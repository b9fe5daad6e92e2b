"""What the values of outcomes amount to: from the daily rollups, and from values where only these tell."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, LiteralString

from msgspec import Struct
from psycopg import sql

from adapters.postgres.freshness import CONCERNS, SQL, UNSEEN, Grounds, until_seen
from adapters.postgres.outcomes_reader import in_period, parts_of
from adapters.postgres.pool import Pool
from application.queries.analytics import Change, DailyMean, Point, Slopes, Summary
from application.queries.outcomes import OutcomeRow, Period
from domain.measurement import KINDS
from projections.outcomes import source_of, unit_of

DAY = timedelta(days=1)


class Values(Struct, frozen=True):
    """Which values are meant: those that an outcome draws from, in a period, of one subject where it is told."""

    outcome: OutcomeRow
    period: Period = Period()
    subject_id: str | None = None


def kinds_of(outcome: OutcomeRow) -> list[str]:
    """The kinds of measurements that an outcome draws from: one or none."""
    return [outcome.metric_key] if outcome.metric_key in KINDS else []


def sources_of(outcome: OutcomeRow) -> list[str]:
    """Where an outcome draws its values from: its entries, and the measurements of an institution's children."""
    return [outcome.id, *(source_of(outcome.brand_id.lower(), kind) for kind in kinds_of(outcome))]


class AnalyticsReader:
    """Every answer is Unavailable while the view stays behind."""

    def __init__(self, pool: Pool, partitions: int) -> None:
        self._pool = pool
        self._partitions = partitions

    async def series(self, values: Values, granularity: str) -> list[Point]:
        """In order of time; periods without a value are left out. `granularity`: `day`, `week` or `month`."""
        return [Point(*row) for row in await self._periods(values, granularity)]

    async def daily_means(self, values: Values) -> list[DailyMean]:
        """Of all values of a day (UTC), whoever's; in order of time."""
        return [DailyMean(day, mean) for day, _, mean, _, _ in await self._periods(values, "day")]

    async def _periods(self, values: Values, granularity: str) -> list[tuple[Any, ...]]:
        """Waits for the view only where it has not seen what is more than new entries."""
        grounds = self._grounds(values)
        rows = await self._rows("periods", values, granularity=granularity, **grounds.parameters)
        if rows[0][0]:
            await until_seen(self._pool, grounds)
            seen = grounds.parameters | {"most": 0}
            rows = await self._rows("periods", values, granularity=granularity, **seen)
        return [row[1:] for row in rows if row[1] is not None]

    async def summary(self, values: Values) -> Summary:
        await self._until_seen(values)
        is_whole = values == Values(values.outcome) and len(sources_of(values.outcome)) == 1
        name = "summary_of_one_source" if is_whole else "summary"
        (row,) = await self._rows(name, values, source=values.outcome.id)
        count, subjects, mean, median, deviation, minimum, maximum, first_at, last_at, *slopes = row
        return Summary(
            count, subjects, mean, median, deviation, minimum, maximum, _utc(first_at), _utc(last_at), Slopes(*slopes)
        )

    async def pairs(self, one: Values, other: Values) -> list[tuple[float, float]]:
        """The daily means of two outcomes, of one subject on one day; by subject and day."""
        await self._until_seen(one, other)
        mine, theirs = _Selection(one, self._partitions), _Selection(other, self._partitions, prefix="other_")
        statement = sql.SQL(SQL["pairs"]).format(means=mine.means, other_means=theirs.means)
        return [(a, b) for a, b in await self._pool.rows(statement, mine.parameters | theirs.parameters)]

    async def changes(self, values: Values, by: str) -> list[Change]:
        """First and last value of every subject with two or more, and its cohort; those without one are left out."""
        await self._until_seen(values)
        return [Change(*row) for row in await self._rows("changes", values, by=by)]

    async def _until_seen(self, *asked: Values) -> None:
        await until_seen(self._pool, self._grounds(*asked))

    def _grounds(self, *asked: Values) -> Grounds:
        """Of values that are all of the same subjects."""
        outcomes = [values.outcome for values in asked]
        return Grounds(
            parts_of(asked[0].subject_id, self._partitions),
            [source for outcome in outcomes for source in sources_of(outcome)],
            [kind for outcome in outcomes for kind in kinds_of(outcome)],
            asked[0].subject_id,
        )

    async def _rows(self, name: str, values: Values, **parameters: Any) -> list[tuple[Any, ...]]:
        selection = _Selection(values, self._partitions)
        period = values.period
        statement = sql.SQL(SQL[name]).format(
            daily=selection.daily,
            means=selection.means,
            of_entries=selection.of_entries,
            in_period=in_period(period.start, period.end),
            concerns=CONCERNS,
            unseen=UNSEEN,
        )
        asked = {**selection.parameters, **parameters, "start": period.start, "end": period.end}
        return await self._pool.rows(statement, asked)


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
        self.daily = sql.SQL(SQL["daily"]).format(**parts)
        self.means = sql.SQL(SQL[means]).format(**parts)

    def _value(self, value: Any) -> sql.Composable:
        name = f"{self._prefix}{len(self.parameters)}"
        self.parameters[name] = value
        return sql.Placeholder(name)

    def _compared(self, template: LiteralString, name: str, value: Any) -> Callable[[str], sql.Composable]:
        """A condition on a table by its name; one that compares with None always holds."""
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
    """What a period has of days that are not wholly in it: from, to just before."""
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
