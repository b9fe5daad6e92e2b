"""What the service cannot do now, though nothing is wrong with the request."""

from typing import Literal, get_args

Kind = Literal[
    "bodies",
    "calculation",
    "database",
    "ending",
    "issuer",
    "partitions",
    "passwords",
    "queue",
    "share",
    "slow",
    "view",
]

KINDS: tuple[Kind, ...] = get_args(Kind)
"""Everything that may be lacking; metrics have a series for each from the start."""


class Unavailable(Exception):
    """The service cannot take the command now; the client may send it again after some seconds.

    `kind`: what is lacking, in one word of few.
    """

    def __init__(self, reason: str, retry_after: int = 1, *, kind: Kind = "database") -> None:
        super().__init__(reason)
        self.retry_after = retry_after
        self.kind: Kind = kind
