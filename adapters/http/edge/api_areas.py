"""The families of endpoints, by path: each has its envelope of errors, and may have a limit of its own."""

import re

from domain.measurement import KINDS

_FAMILIES = {
    "measurements": re.compile(rf"/v1/children/[^/]+/(?:{'|'.join(kind.path for kind in KINDS.values())})(?:/|$)"),
    "outcomes": re.compile(r"/(?:v1/(?:outcomes|correlations)|cohort|patterns)(?:/|$)"),
}


def family_of(path: str) -> str:
    """`measurements` or `outcomes`, and for whatever else there is `accounts`."""
    return next((family for family, paths in _FAMILIES.items() if paths.match(path)), "accounts")
