"""API areas, by path. An area has one error format, and may have a rate limit of its own."""

import re

from domain.measurement import KINDS

_PATHS = {
    "measurements": re.compile(rf"/v1/children/[^/]+/(?:{'|'.join(kind.path for kind in KINDS.values())})(?:/|$)"),
    "outcomes": re.compile(r"/(?:v1/(?:outcomes|correlations)|cohort|patterns)(?:/|$)"),
}


def api_area_of(path: str) -> str:
    """`measurements`, `outcomes`, or `accounts` for every other path."""
    return next((api_area for api_area, paths in _PATHS.items() if paths.match(path)), "accounts")
