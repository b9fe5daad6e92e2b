"""The age of a child in whole years."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.age import may_be_born, whole_years

TODAY = date(2026, 3, 1)


@pytest.mark.parametrize(
    ("birth_date", "today", "expected"),
    [
        ("2016-11-02", "2026-03-01", 9),
        ("2016-03-01", "2026-03-01", 10),
        ("2016-03-02", "2026-03-01", 9),
        ("2016-02-29", "2026-02-28", 9),
        ("2016-02-29", "2026-03-01", 10),
        ("2016-02-29", "2024-02-28", 7),
        ("2016-02-29", "2024-02-29", 8),
        ("2026-02-28", "2026-03-01", 0),
        ("1901-01-01", "2000-12-31", 99),
    ],
)
def test_a_year_of_age_is_complete_on_the_birthday(birth_date: str, today: str, expected: int) -> None:
    assert expected == whole_years(date.fromisoformat(birth_date), date.fromisoformat(today))


@given(st.dates(date(1901, 1, 1), date(2200, 1, 1)), st.integers(0, 60_000))
def test_an_age_never_falls_and_rises_by_one(birth_date: date, days: int) -> None:
    today = birth_date + timedelta(days=days)
    step = whole_years(birth_date, today + timedelta(days=1)) - whole_years(birth_date, today)
    assert step in (0, 1)
    assert 0 <= whole_years(birth_date, today) <= days / 365


@pytest.mark.parametrize(
    ("birth_date", "may"),
    [("1900-12-31", False), ("1901-01-01", True), ("2026-02-28", True), ("2026-03-01", False), ("2026-03-02", False)],
)
def test_a_date_of_birth_is_after_1900_and_before_today(birth_date: str, may: bool) -> None:
    assert may == may_be_born(date.fromisoformat(birth_date), TODAY)
