"""Growthrings: records the health data of children and answers queries about it."""

import argparse
import os
import sys
from contextlib import suppress
from pathlib import Path

import structlog

from adapters.cli.arguments import CommandParser, Parser
from adapters.errors import CommandFailed
from adapters.settings import Settings, from_environment, renamed, unknown_variables
from adapters.system.terminal import print_error
from adapters.telemetry import logs
from adapters.version import VERSION

CHECKOUT = Path(__file__).parents[2]

DATA = (CHECKOUT if (CHECKOUT / "pyproject.toml").is_file() else Path.cwd()) / ".data"
"""The data folder: that of the checkout or, for an installed package, of the current folder."""


COMMANDS = {
    "serve": ("serve", "Run everything: the database, the API and the projector."),
    "api": ("api", "Run one API process on a prepared database."),
    "project": ("project", "Keep the views of a prepared database up to date."),
    "prepare": ("prepare", "Create the schema, the keys and the first admin where they are missing."),
    "healthy": ("healthy", "Check whether the API or the projector of this machine works."),
    "keys": ("keys", "Replace the key that signs tokens."),
    "users": ("users", "List users, register admins and reset passwords."),
    "demo": ("demo", "Send a real series of measurements twice and show the results."),
    "replay": ("replay", "Read the log again and report errors in it and in the tables derived from it."),
    "export": ("export", "Write the log to standard output, without password hashes."),
    "import-log": ("import_log", "Import an export into an empty log with GROWTHRINGS_PARTITIONS partitions."),
    "views": ("views", "Show, rebuild, switch and repair views."),
    "import": ("import_csv", "Import the rows of a CSV file into an outcome of a running service."),
}
"""Command → its module and its help."""

SERVICES = {"serve": "supervisor", "api": "api", "project": "projector", "prepare": "prepare"}
"""Command → name of its process in the log. Other commands print their results, and log only warnings."""


def main(words: list[str] | None = None) -> int:
    """Run a command; 0 when it went well, 1 when not, 2 when it was not understood, 130 when it was stopped.

    The one place where errors become sentences: what no command answers itself ends here, without a trace.
    """
    if sys.stderr is None:  # it was closed: who is told nothing still has the exit code
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115  # open to the end
    try:
        return _run(words)
    except KeyboardInterrupt:
        print_error("Stopped.")
        return 130
    except BrokenPipeError:  # who read the output wants no more of it
        _drop_output()
        return 1
    except CommandFailed as error:
        print_error(str(error))
        return error.exit_code
    except Exception as error:
        from adapters.cli.error_messages import explain  # it loads the driver, which `--help` does not need

        if isinstance(error, OSError):
            _drop_output()
        text, code = explain(error)
        print_error(text)
        structlog.get_logger().debug("the command ended with an error", exc_info=error)
        return code


def _run(words: list[str] | None) -> int:
    if sys.stdout is None:
        raise CommandFailed("Standard output is closed: send it to a file, a program or /dev/null.")
    parsed = _parser().parse_args(words)
    settings = from_environment()
    _configure_log(settings, parsed.command)
    for name, meant in unknown_variables().items():
        structlog.get_logger().warning("unknown variable is ignored", variable=name, did_you_mean=meant)
    for former, variable in renamed().items():
        message = "setting has a new name; the next version ignores the former one"
        structlog.get_logger().warning(message, variable=former, use=variable)
    code = int(parsed.run(settings, parsed) or 0)
    sys.stdout.flush()
    return code


def _configure_log(settings: Settings, command: str) -> None:
    level = settings.log_level
    if command not in SERVICES and level == "info":
        level = "warning"
    logs.configure(level, SERVICES.get(command, command))


def _drop_output() -> None:
    """Have what is not written yet go nowhere: Python would try again when it ends, and complain."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="growthrings", description=__doc__)
    parser.add_argument("--version", action="version", version=VERSION)
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=CommandParser)
    for name, (module, help) in COMMANDS.items():
        command = commands.add_parser(name, help=help, description=help, module=f"adapters.cli.{module}")
        command.add_argument(
            "--data", type=Path, default=DATA, metavar="DIR", help="Use this data folder (default: .data)."
        )
        command.set_defaults(command=name)
    return parser
