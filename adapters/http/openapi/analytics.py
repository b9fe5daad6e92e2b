"""Analytics in the OpenAPI document: statistics over the entries of outcomes."""

from collections.abc import Iterator

from adapters.http.api.analytics import COMPARISON as COMPARE
from adapters.http.api.analytics import GRANULARITY, OF_PERIOD, SERIES
from adapters.http.openapi.operations import Answer, Operation, ok
from adapters.http.openapi.outcomes import EXAMPLE as OUTCOME
from adapters.http.openapi.requests import Body, Member, Parameter, Refusals, in_query, outcome_id, text
from adapters.http.openapi.statistics import BEYOND, METHOD, TREND, constant, few
from adapters.http.schemas.json_schema import (
    COUNT,
    SHARE,
    TIME_OUT,
    UUID,
    Json,
    array,
    closed,
    of_struct,
    or_null,
    ref,
    string,
)
from adapters.statistics import results
from domain.refusal import NotFound

TAG = "Analytics"

NUMBER: Json = {"type": "number"}
BETTER: Json = {"anyOf": [{"type": "boolean"}, {"type": "null"}]}

TWO: Json = {"outcome_id_a": OUTCOME["id"], "outcome_id_b": "01903a5c-9ca0-7123-8000-0130a0800000"}
COEFFICIENT: Json = {
    "coefficient": 0.8,
    "p_value": 0.2,
    "sample_size": 4,
    "method": "pearson",
    "strength": "strong",
    "direction": "positive",
}
SUMMARY: Json = {
    "outcome_id": OUTCOME["id"],
    "count": 2,
    "subjects": 1,
    "mean": 30.5,
    "median": 30.5,
    "standard_deviation": 0.1414213562373095,
    "minimum": 30.4,
    "maximum": 30.6,
    "first_at": "2024-06-21T08:00:00.000Z",
    "last_at": "2024-06-22T08:00:00.000Z",
    "improving": 1.0,
}
POINT: Json = {"start": "2024-06-17T00:00:00.000Z", "count": 2, "mean": 30.5, "minimum": 30.4, "maximum": 30.6}
COMPARISON: Json = {
    "outcome_id": OUTCOME["id"],
    "by": "arm",
    "groups": [
        {
            "value": "a",
            "subjects": 1,
            "mean_first": 30.4,
            "mean_last": 30.6,
            "mean_change": 0.2,
            "p_value": None,
            "better": None,
        }
    ],
    "p_value": None,
}


def operations() -> Iterator[Operation]:
    yield _question(
        path="summary",
        id="summarize_outcome",
        summary="Summarize the values of an outcome",
        description="`improving` is a share of the subjects with values on at least two days: those whose slope over "
        "their daily means goes in the better direction.",
        parameters=in_query(*OF_PERIOD),
        answer=ok("Summary", SUMMARY, "The summary; its statistics are null when there are no values."),
    )
    yield _question(
        path="series",
        id="read_series",
        summary="Read an outcome as a time series",
        description="Periods without values are left out.",
        parameters=in_query(*SERIES),
        answer=ok("Series", {"outcome_id": OUTCOME["id"], "granularity": "week", "points": [POINT]}, "The series."),
    )
    yield _question(
        path="trend",
        id="read_trend",
        summary="Read the trend of an outcome",
        description="Least squares over daily means: all values of a UTC day, of all subjects. x counts the days since "
        "the first one. `better` follows the outcome's direction; it is null when the trend is not significant.",
        parameters=in_query(*OF_PERIOD),
        answer=ok("OutcomeTrend", {**TREND, "better": True}, "The trend."),
        refused=(few("values", 3),),
    )
    yield _question(
        path="compare",
        id="compare_cohorts",
        summary="Compare cohorts",
        description="A subject belongs to the cohort that its first entry names. Its change is its last value minus "
        "its first. The `p_value` of a cohort is that of a paired t test; the one of the comparison is that of a "
        "one-way analysis of variance of the changes.",
        parameters=in_query(*COMPARE),
        answer=ok("OutcomeComparison", COMPARISON, "The comparison, one group per cohort."),
    )
    yield _correlations()


def _question(
    *,
    path: str,
    id: str,
    summary: str,
    description: str,
    parameters: tuple[Parameter, ...],
    answer: Answer,
    refused: Refusals = (),
) -> Operation:
    return Operation(
        method="GET",
        path=f"/v1/outcomes/{{outcome_id}}/{path}",
        id=id,
        tag=TAG,
        summary=summary,
        description=description,
        action=id,
        parameters=(outcome_id(), *parameters),
        answers=(answer,),
        refused=(*refused, BEYOND),
    )


def _correlations() -> Operation:
    return Operation(
        method="POST",
        path="/v1/correlations/compute",
        id="correlate_outcomes",
        tag=TAG,
        summary="Correlate two outcomes of a brand",
        description="A pair is the daily means of one subject on one UTC day. `strength` follows the absolute value of "
        "the coefficient: strong from 0.7, moderate from 0.4, weak from 0.1.",
        action="correlate_outcomes",
        body=Body(
            name="NewCorrelation",
            members=(
                *map(_of_outcome, TWO),
                text("brand_id", required=True),
                METHOD,
                text("subject_id", least=0),
            ),
            example={**TWO, "brand_id": OUTCOME["brand_id"]},
        ),
        answers=(ok("OutcomeCorrelation", {**TWO, **COEFFICIENT}, "The correlation."),),
        refused=(NotFound("Outcome"), few("outcome_id_a", 4), constant("outcome_id_a"), BEYOND),
    )


def _of_outcome(name: str) -> Member:
    return text(name, required=True, description="The id of an outcome of the brand; anything else is 404.")


def schemas() -> dict[str, Json]:
    number_or_null = or_null(NUMBER)
    ids = {"outcome_id_a": UUID, "outcome_id_b": UUID}
    trend, coefficient = of_struct(results.Trend), of_struct(results.Coefficient, p_value=SHARE)
    comparison = of_struct(results.Comparison)
    return {
        "Summary": closed(
            outcome_id=UUID,
            count=COUNT,
            subjects=COUNT,
            **dict.fromkeys(("mean", "median", "standard_deviation", "minimum", "maximum"), number_or_null),
            first_at=or_null(TIME_OUT),
            last_at=or_null(TIME_OUT),
            improving=or_null(SHARE),
        ),
        "Series": closed(outcome_id=UUID, granularity=GRANULARITY.schema, points=array(ref("Point"))),
        "Point": closed(start=TIME_OUT, count=COUNT, mean=NUMBER, minimum=NUMBER, maximum=NUMBER),
        "OutcomeTrend": _with(trend, better=BETTER),
        "OutcomeComparison": _with(comparison, outcome_id=UUID, by=string()),
        "OutcomeCorrelation": _with(coefficient, **ids),
        "CohortGroup": of_struct(results.CohortGroup, value=string()),
    }


def _with(schema: Json, **members: Json) -> Json:
    """The schema with more required members."""
    return closed(**{**members, **schema["properties"]})
