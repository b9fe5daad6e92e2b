"""Analytics over HTTP: statistics over the entries of outcomes, and over values in the body of a request."""

from datetime import UTC, datetime, time
from decimal import Decimal

from litestar import Response, get, post
from litestar.enums import MediaType
from litestar.handlers import HTTPRouteHandler
from msgspec.structs import asdict

from adapters import times
from adapters.http.api.outcomes import ONE
from adapters.http.edge import decoding
from adapters.http.edge.access import Access
from adapters.http.edge.request_body import ITEM
from adapters.http.edge.requests import HttpRequest, checked_uuid, json_response, path_id
from adapters.http.schemas import lengths, query_parameters
from adapters.http.schemas.json_schema import pattern
from adapters.http.schemas.members import Members
from adapters.http.schemas.query_parameters import FROM, SUBJECT, TO, Declared, Parameter, ParameterValues
from adapters.postgres.readers.accounts import AccountsReader
from adapters.postgres.readers.analytics import AnalyticsReader, Values
from adapters.postgres.readers.outcomes import OutcomesReader
from adapters.statistics import calculator
from adapters.statistics.results import Cohort, Method, is_improvement
from application.command import Actor
from application.queries.analytics import (
    AnalyzeValues,
    CompareCohorts,
    CorrelateOutcomes,
    ReadSeries,
    ReadTrend,
    SummarizeOutcome,
)
from application.queries.outcomes import OutcomeRow, ReadOutcome
from domain.outcome import HIGHER, TITLE
from domain.refusal import NotFound

GRANULARITY = query_parameters.choice("granularity", ("day", "week", "month"), "Weeks start on Monday.")
BY = Parameter(
    name="by",
    read=lambda text: text or None,
    expected="the name of a member of metadata",
    schema=pattern(r"[^\u0000]+", maxLength=lengths.TEXT),
    description="The member of metadata that tells cohorts apart.",
    example="arm",
)

OF_PERIOD: Declared = (FROM, TO, SUBJECT)
SERIES: Declared = (GRANULARITY, *OF_PERIOD)
COMPARISON: Declared = (BY, FROM, TO)
"""Query parameters of all analytics of one outcome."""

METHODS: tuple[Method, ...] = ("pearson", "spearman")
ALPHA = 0.05

VALUES = 1_000_000
"""Maximum values of one array."""

VALUES_OF_CHANGEPOINTS = 100_000
"""Maximum values for changepoints, whose cost grows with the number of segments."""


def routes(
    access: Access, accounts: AccountsReader, outcomes: OutcomesReader, reader: AnalyticsReader
) -> list[HTTPRouteHandler]:
    return [*_of_outcomes(access, outcomes, reader), *_of_values(access, accounts)]


def _of_outcomes(access: Access, outcomes: OutcomesReader, reader: AnalyticsReader) -> list[HTTPRouteHandler]:
    async def read_outcome(actor: Actor, outcome_id: str) -> OutcomeRow:
        return await outcomes.outcome(ReadOutcome(actor=actor, outcome_id=outcome_id))

    async def values_read_outcome(
        request: HttpRequest, action: str, declared: Declared = OF_PERIOD
    ) -> tuple[Values, ParameterValues]:
        actor, parameters = await access.authorize_query(request, action, declared)
        outcome = await read_outcome(actor, path_id(request, "outcome_id"))
        return Values(outcome, parameters.period, parameters[SUBJECT]), parameters

    @get(f"{ONE}/summary")
    async def summarize(request: HttpRequest) -> Response[bytes]:
        values, _ = await values_read_outcome(request, SummarizeOutcome.name)
        summary = await reader.summary(values)
        slopes = summary.slopes
        better = slopes.rising if values.outcome.direction == HIGHER else slopes.falling
        return json_response(
            {
                "outcome_id": values.outcome.id,
                "count": summary.count,
                "subjects": summary.subjects,
                "mean": summary.mean,
                "median": summary.median,
                "standard_deviation": summary.standard_deviation,
                "minimum": summary.minimum,
                "maximum": summary.maximum,
                "first_at": summary.first_at and times.render(summary.first_at),
                "last_at": summary.last_at and times.render(summary.last_at),
                "improving": better / slopes.subjects if slopes.subjects else None,
            },
            200,
        )

    @get(f"{ONE}/series")
    async def read_series(request: HttpRequest) -> Response[bytes]:
        values, parameters = await values_read_outcome(request, ReadSeries.name, SERIES)
        granularity = parameters[GRANULARITY]
        points = [
            {
                "start": times.render(datetime.combine(point.start, time(), UTC)),
                "count": point.count,
                "mean": point.mean,
                "minimum": point.minimum,
                "maximum": point.maximum,
            }
            for point in await reader.series(values, granularity)
        ]
        return json_response({"outcome_id": values.outcome.id, "granularity": granularity, "points": points}, 200)

    @get(f"{ONE}/trend")
    async def read_trend(request: HttpRequest) -> Response[bytes]:
        values, _ = await values_read_outcome(request, ReadTrend.name)
        means = await reader.daily_means(values)
        days = [float((each.day - means[0].day).days) for each in means]
        trend = await calculator.trend([each.mean for each in means], days, ALPHA)
        is_better = is_improvement(
            trend.slope, significant=trend.significant, higher_is_better=values.outcome.direction == HIGHER
        )
        return json_response({**asdict(trend), "better": is_better}, 200)

    @get(f"{ONE}/compare")
    async def compare(request: HttpRequest) -> Response[bytes]:
        actor, parameters = await access.authorize_query(request, CompareCohorts.name, COMPARISON)
        by = parameters[BY]
        outcome = await read_outcome(actor, path_id(request, "outcome_id"))
        cohorts: dict[str, tuple[list[Decimal], list[Decimal]]] = {}
        for change in await reader.changes(Values(outcome, parameters.period), by):
            firsts, lasts = cohorts.setdefault(change.cohort, ([], []))
            firsts.append(change.first)
            lasts.append(change.last)
        found = [Cohort(value, *cohorts[value]) for value in sorted(cohorts)]
        compared = await calculator.compare(found, higher_is_better=outcome.direction == HIGHER)
        return json_response({"outcome_id": outcome.id, "by": by, **asdict(compared)}, 200)

    @post("/v1/correlations/compute", status_code=200)
    async def correlate(request: HttpRequest) -> Response[bytes]:
        actor = await access.authorize(request, CorrelateOutcomes.name)
        sent = await access.read_members(request, ("outcome_id_a", "outcome_id_b", "brand_id"), most=ITEM)
        texts = sent.text("outcome_id_a"), sent.text("outcome_id_b")
        brand_id = sent.text("brand_id")
        method = sent.choice("method", METHODS) if "method" in sent else METHODS[0]
        subject_id = sent.optional_text("subject_id")
        one, other = [await read_outcome(actor, checked_uuid(text)) for text in texts]
        if {brand_id} != {one.brand_id, other.brand_id}:
            raise NotFound(TITLE)
        pairs = await reader.pairs(Values(one, subject_id=subject_id), Values(other, subject_id=subject_id))
        xs, ys = [x for x, _ in pairs], [y for _, y in pairs]
        found = await calculator.coefficient(xs, ys, method, ("outcome_id_a", "outcome_id_b"))
        return json_response({"outcome_id_a": one.id, "outcome_id_b": other.id, **asdict(found)}, 200)

    return [summarize, read_series, read_trend, compare, correlate]


def _of_values(access: Access, accounts: AccountsReader) -> list[HTTPRouteHandler]:
    async def numbers(sent: Members, name: str, most: int) -> list[float]:
        """An array of the body, decoded in a thread if it is large. Raises what `Members.numbers` raises."""
        return await decoding.run(len(memoryview(sent.sent[name])), sent.numbers, name, most)

    @post("/cohort/trend", status_code=200)
    async def find_trend(request: HttpRequest) -> Response[bytes]:
        actor = await access.authorize(request, AnalyzeValues.name)
        sent = await access.read_members(request, ("values",), most=access.body_limit)
        values = await numbers(sent, "values", VALUES)
        x = await numbers(sent, "x", VALUES) if "x" in sent else None
        alpha = sent.number("alpha", ALPHA)
        await accounts.check(actor)
        return _written(await calculator.trend_as_json(values, x, alpha))

    @post("/cohort/changepoint", status_code=200)
    async def find_changepoints(request: HttpRequest) -> Response[bytes]:
        actor = await access.authorize(request, AnalyzeValues.name)
        sent = await access.read_members(request, ("values",), most=access.body_limit)
        values = await numbers(sent, "values", VALUES_OF_CHANGEPOINTS)
        least = sent.whole("min_segment_size", 3)
        alpha = sent.number("alpha", ALPHA)
        await accounts.check(actor)
        return _written(await calculator.changepoints_as_json(values, least, alpha))

    @post("/patterns/correlate", status_code=200)
    async def find_correlation(request: HttpRequest) -> Response[bytes]:
        actor = await access.authorize(request, AnalyzeValues.name)
        sent = await access.read_members(request, ("x", "y"), most=access.body_limit)
        xs, ys = await numbers(sent, "x", VALUES), await numbers(sent, "y", VALUES)
        method = sent.choice("method", METHODS) if "method" in sent else METHODS[0]
        alpha = sent.number("alpha", ALPHA)
        await accounts.check(actor)
        return _written(await calculator.correlation_as_json(xs, ys, method, alpha))

    return [find_trend, find_changepoints, find_correlation]


def _written(content: bytes) -> Response[bytes]:
    return Response(content, status_code=200, media_type=MediaType.JSON)
