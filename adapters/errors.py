"""Errors that end a command of the shell, with its exit code.

CommandFailed              1  the command cannot be carried out
├── NotPrepared               the database or the data folder is not ready           (processes.prepare)
├── CannotServe               the service cannot start                               (processes.supervisor)
├── Unhealthy                 the API or the projector fails its health check        (processes.health_check)
├── UnusableKey               there is no usable key to sign tokens with             (auth.keys)
├── ServiceFailed             the service failed during an import                    (cli.importing)
├── DemoFailed                the service failed during the demo                     (cli.demo)
└── UsageError             2  an argument or a setting is invalid
    ├── InvalidSetting                                                               (settings)
    ├── LimitsNotShared       several processes would count limits separately        (limits.limiter)
    └── InvalidArguments                                                             (cli.importing)
"""

from domain.errors import GrowthringsError


class CommandFailed(GrowthringsError):
    """The message says why, and what the operator can do."""


class UsageError(CommandFailed):
    """An argument or a setting is invalid."""

    exit_code = 2


class Disconnected(GrowthringsError):
    """The client disconnected before it was answered."""
