"""Finds the bad items of a page by trying ever smaller halves of it."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def failures(
    items: Sequence[T], attempt: Callable[[Sequence[T]], None], is_failure: Callable[[Exception], bool]
) -> Iterator[tuple[T, Exception]]:
    """Try all items at once; where that fails, try each half, until every bad item is alone. Yields it with its error.

    Each half is tried after the failures of the half before it were yielded. An error that `is_failure` denies ends
    everything.
    """
    if not items:
        return
    try:
        attempt(items)
    except Exception as error:
        if not is_failure(error):
            raise
        if len(items) == 1:
            yield items[0], error
            return
        middle = len(items) // 2
        yield from failures(items[:middle], attempt, is_failure)
        yield from failures(items[middle:], attempt, is_failure)
