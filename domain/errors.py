"""The root of our own exceptions.

GrowthringsError
├── Refusal            a decision's no: `adapters.refusal_messages` has its HTTP status        (domain)
├── Undecodable        a stored event that this version cannot read                            (domain)
├── Unavailable        503, with a kind                                                        (application)
├── LogUnavailable, AppendRefused, CommitInDoubt, QueueFull                                    (application)
├── RebuildRefused, UnknownVersion, NamesInUse, NotOwner                                       (projections)
├── CommandFailed      ends a command of the shell: `adapters.errors` has those below it       (adapters)
├── InvalidInput       400, of statistics                                                      (adapters.statistics)
├── TooManyRequests    429                                                                     (adapters.limits)
├── ServerInUse, MigrationRefused                                                              (adapters.postgres)
└── errors of a request as HTTP has it, such as BodyTooLarge, 413                              (adapters.http)
"""

from typing import ClassVar


class GrowthringsError(Exception):
    """A command of the shell that ends with it exits with `exit_code`."""

    exit_code: ClassVar[int] = 1
