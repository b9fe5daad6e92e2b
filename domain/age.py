"""The age of a child: told for a day, or whole years from its birth."""

from datetime import date

FIRST_YEAR = 1901
"""In which somebody may be born."""


def whole_years(birth_date: date, today: date) -> int:
    """The years that are full; a year of somebody born on 29 February is full on 1 March where there is no such day."""
    had_birthday = (today.month, today.day) >= (birth_date.month, birth_date.day)
    return today.year - birth_date.year - (not had_birthday)


def may_be_born(birth_date: date, today: date) -> bool:
    return birth_date.year >= FIRST_YEAR and birth_date < today
