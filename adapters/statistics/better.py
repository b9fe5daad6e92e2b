"""Whether a change went the way that its outcome calls better. Loads no NumPy."""


def better(change: float, *, significant: bool, higher_is_better: bool) -> bool | None:
    """None where the change is not significant, or is none at all."""
    if not significant or not change:
        return None
    return (change > 0) is higher_is_better
