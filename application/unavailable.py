"""Temporary failures of the service: the request is valid and can be sent again.

`docs/reference/errors.md` names what each kind lacks and the files that raise it.
"""

from typing import Literal, get_args

from domain.errors import GrowthringsError

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
"""All kinds. Metrics have a series for each of them from the start."""


class Unavailable(GrowthringsError):
    """The service cannot handle the request now. The client can send it again after `retry_after` seconds.

    `kind`: the resource that is not available.
    """

    def __init__(self, reason: str, retry_after: int = 1, *, kind: Kind = "database") -> None:
        super().__init__(reason)
        self.retry_after = retry_after
        self.kind: Kind = kind
