"""The bad items of a page are found, and only these."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.bisection import failures


class Bad(Exception):
    pass


@given(st.lists(st.booleans(), max_size=40))
def test_every_bad_item_of_a_page_is_found_and_every_other_is_tried_with_success_once(are_bad: list[bool]) -> None:
    done: list[int] = []

    def attempt(items: Sequence[int]) -> None:
        if any(are_bad[item] for item in items):
            raise Bad(items)
        done.extend(items)

    found = [item for item, _ in failures(range(len(are_bad)), attempt, lambda error: isinstance(error, Bad))]
    assert [item for item, is_bad in enumerate(are_bad) if is_bad] == found
    assert [item for item, is_bad in enumerate(are_bad) if not is_bad] == done


def test_an_error_of_another_kind_ends_the_search_for_bad_items() -> None:
    def attempt(items: Sequence[int]) -> None:
        raise MemoryError

    with pytest.raises(MemoryError):
        list(failures([1, 2], attempt, lambda error: isinstance(error, Bad)))
