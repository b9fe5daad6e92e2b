"""Errors of ours that end a command of the shell.

CommandFailed          1  it cannot be carried out
├── NotPrepared       the database, or the data folder, is not ready          (prepare)
├── CannotServe       the service cannot start                                (supervisor)
├── Unhealthy         what a health check asks about does not do its work     (healthy)
├── NoKey             there is no key to sign tokens with                     (auth.keys)
├── ServiceFailed        the service of an import does not do what it is asked   (importing)
└── NotUnderstood  2  the words or the settings cannot be meant
    ├── InvalidSetting                                                        (settings)
    ├── LimitsNotShared limits that several processes would count apart         (limits.limiter)
    └── InvalidArguments                                                        (importing)
"""

from typing import ClassVar


class CommandFailed(Exception):
    """The message says why, for a person, and what to do. The command exits with `exit_code`."""

    exit_code: ClassVar[int] = 1


class UsageError(CommandFailed):
    """What was given cannot be meant."""

    exit_code = 2


class Disconnected(Exception):
    """The client disconnected before it was answered."""
