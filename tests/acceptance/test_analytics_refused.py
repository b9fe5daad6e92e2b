"""Analytics queries that are refused, each naming the invalid parameter."""

import pytest

from tests.acceptance.client import Api
from tests.acceptance.outcomes import OUTCOMES, Outcome, day, invalid, new_outcome, refusal
from tests.acceptance.outcomes_hostile import HOSTILE_QUERIES, each_bad_time


@pytest.fixture(scope="module")
def outcome(admin: Api, application: Api) -> Outcome:
    made = Outcome(application, new_outcome(admin).body)
    made.enter((subject, day(number), number) for subject in "ab" for number in range(1, 6))
    return made


@each_bad_time
@pytest.mark.parametrize("what", ["summary", "series?granularity=day", "trend", "compare?by=x"])
def test_a_bad_time_is_named(what: str, name: str, sent: str, outcome: Outcome) -> None:
    invalid(name, outcome.api.get(f"{outcome.path}/{what}{'&' if '?' in what else '?'}{sent}"))


@pytest.mark.parametrize("granularity", ["year", "", "Day", "days", "hour", "day ", "%00", "%FF", "1"])
def test_a_bad_granularity_is_named(granularity: str, outcome: Outcome) -> None:
    invalid("granularity", outcome.api.get(f"{outcome.path}/series?granularity={granularity}"))


@pytest.mark.parametrize(
    "sent", [*HOSTILE_QUERIES, "subject_id=%00", "subject_id=%FF", "by=%FF", "granularity=day&granularity=x"]
)
@pytest.mark.parametrize("what", ["summary", "series", "trend", "compare"])
def test_no_query_is_a_server_fault(what: str, sent: str, outcome: Outcome) -> None:
    response = outcome.api.get(f"{OUTCOMES}/{outcome.id}/{what}?{sent}")
    if response.status_code != 200:
        refusal(400, response)


@pytest.mark.parametrize("sent", ["", "?by=", "?by=%00", "?by=x%00y"])
def test_a_comparison_without_a_member_to_compare_by_is_refused(sent: str, outcome: Outcome) -> None:
    invalid("by", outcome.api.get(f"{outcome.path}/compare{sent}"))
