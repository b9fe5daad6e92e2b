"""Statistics in the OpenAPI document: endpoints that compute on the values in their body."""

from collections.abc import Iterator

from adapters.http.api.analytics import ALPHA, METHODS, VALUES, VALUES_OF_CHANGEPOINTS
from adapters.http.openapi.operations import Operation, ok
from adapters.http.openapi.requests import Body, Member, number, one_of
from adapters.http.schemas.json_schema import SHARE, Json, array, of_struct
from adapters.http.schemas.json_values import TooManyValues
from adapters.statistics import results
from adapters.statistics.results import MOST_CHANGEPOINTS, InvalidInput
from domain.refusal import NotNumbers

TAG = "Analytics"

ALPHA_MEMBER = number(
    "alpha",
    "The level of significance. The confidence of an interval is 1 − alpha.",
    refused=(
        InvalidInput("alpha", "must lie between 0 and 1, both left out"),
        InvalidInput("alpha", "too small to compute with"),
    ),
    exclusiveMinimum=0,
    exclusiveMaximum=1,
    default=ALPHA,
)
METHOD = one_of("method", METHODS, default=METHODS[0])

CHANGEPOINT: Json = {
    "index": 3,
    "statistic": -12.24744871391589,
    "p_value": 0.0002552167494419268,
    "before_mean": 1.0,
    "after_mean": 11.0,
    "significant": True,
}
CHANGEPOINTS: Json = {
    "method": "welch_t_test",
    "sample_size": 6,
    "alpha": 0.05,
    "min_segment_size": 3,
    "changepoints": [CHANGEPOINT],
    "best_changepoint": CHANGEPOINT,
}
TREND: Json = {
    "method": "linear_regression",
    "sample_size": 3,
    "slope": 1.0,
    "intercept": 1.0,
    "r_value": 1.0,
    "r_squared": 1.0,
    "p_value": 0.0,
    "standard_error": 0.0,
    "confidence_interval": {"low": 1.0, "high": 1.0},
    "significant": True,
    "direction": "increasing",
    "predictions": [1.0, 2.0, 3.0],
    "residual_standard_deviation": 0.0,
}
CORRELATION: Json = {
    "method": "pearson",
    "statistic": 0.8,
    "p_value": 0.2,
    "sample_size": 4,
    "confidence_interval": {"low": -0.6969534452993227, "high": 0.9956002504665856},
    "significant": False,
}
BEYOND = InvalidInput("values", "too large, too small or too far apart for a finite result")


def few(member: str, least: int) -> InvalidInput:
    return InvalidInput(member, f"at least {least} are needed, not {least - 1}")


def constant(member: str) -> InvalidInput:
    return InvalidInput(member, "at least two must differ")


def operations() -> Iterator[Operation]:
    yield Operation(
        method="POST",
        path="/cohort/trend",
        id="find_trend",
        tag=TAG,
        summary="Fit a line through values",
        description="Least squares. `x` is 0, 1, 2, … by default. `confidence_interval` is that of the slope.",
        action="analyze_values",
        body=Body(
            name="Values",
            members=(_numbers("values", 3), _numbers("x", 3, required=False), ALPHA_MEMBER),
            example={"values": [1, 2, 3]},
        ),
        answers=(ok("Trend", TREND, "The trend."),),
        refused=(
            InvalidInput("x", "as many as values are needed, 3, not 2"),
            constant("x"),
            BEYOND,
            TooManyValues(VALUES),
        ),
    )
    least = number(
        "min_segment_size", refused=(InvalidInput("min_segment_size", "at least 2 is needed"),), minimum=2, default=3
    )
    yield Operation(
        method="POST",
        path="/cohort/changepoint",
        id="find_changepoints",
        tag=TAG,
        summary="Find where the mean of values changes",
        description="Welch's t test of every split into two segments of sufficient length. `index` is the first index "
        f"of the later segment. If there are more than {MOST_CHANGEPOINTS:,} changepoints, those with the smallest "
        "p-values are listed, ordered by index. There must be values for two segments.",
        action="analyze_values",
        body=Body(
            name="LongValues",
            members=(
                _numbers("values", 4, most=VALUES_OF_CHANGEPOINTS),
                Member(name=least.name, schema={**least.schema, "type": "integer"}, refused=least.refused),
                ALPHA_MEMBER,
            ),
            example={"values": [0, 1, 2, 10, 11, 12]},
        ),
        answers=(ok("Changepoints", CHANGEPOINTS, "The changepoints."),),
        refused=(BEYOND, TooManyValues(VALUES_OF_CHANGEPOINTS)),
    )
    yield Operation(
        method="POST",
        path="/patterns/correlate",
        id="find_correlation",
        tag=TAG,
        summary="Correlate two series of values",
        description="The interval uses Fisher's z; for Spearman's coefficient with variance 1.06 / (n − 3).",
        action="analyze_values",
        body=Body(
            name="Pairs",
            members=(_numbers("x", 4), _numbers("y", 4), METHOD, ALPHA_MEMBER),
            example={"x": [1, 2, 3, 4], "y": [1, 3, 2, 4]},
        ),
        answers=(ok("Correlation", CORRELATION, "The correlation."),),
        refused=(InvalidInput("y", "as many as x are needed, 4, not 5"), constant("x"), BEYOND, TooManyValues(VALUES)),
    )


def _numbers(name: str, least: int, *, most: int = VALUES, required: bool = True) -> Member:
    schema = array({"type": "number"}, minItems=least, maxItems=most)
    return Member(name=name, schema=schema, required=required, refused=(NotNumbers(name), few(name, least)))


def schemas() -> dict[str, Json]:
    return {
        "Trend": of_struct(results.Trend),
        "Correlation": of_struct(results.Correlation, p_value=SHARE),
        "Changepoints": of_struct(results.Changepoints, changepoints={"maxItems": MOST_CHANGEPOINTS}),
        "Changepoint": of_struct(results.Changepoint, p_value=SHARE),
        "ConfidenceInterval": of_struct(results.ConfidenceInterval),
    }
