"""The age of a child, in whole years from its date of birth."""

from datetime import date

FIRST_YEAR = 1901
"""The earliest year of a date of birth."""


def whole_years(birth_date: date, today: date) -> int:
    """Completed years. For somebody born on 29 February a year without that day is complete on 1 March."""
    had_birthday = (today.month, today.day) >= (birth_date.month, birth_date.day)
    return today.year - birth_date.year - (not had_birthday)


def may_be_born(birth_date: date, today: date) -> bool:
    return birth_date.year >= FIRST_YEAR and birth_date < today
