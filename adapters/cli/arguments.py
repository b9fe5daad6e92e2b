"""The parsers of the command line, and the types of its arguments."""

import argparse
import sys
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from adapters import times
from adapters.errors import CommandFailed
from adapters.system.terminal import escaped


class Parser(argparse.ArgumentParser):
    """Escapes the text of others in its errors, and flushes its output before the process exits."""

    def error(self, message: str) -> NoReturn:
        super().error(escaped(message))

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        sys.stdout.flush()
        super().exit(status, message)


class CommandParser(Parser):
    """Imports the module of its command only when that command is run: its dependencies take long to load.

    The module has `add_arguments(parser)` and `run(settings, parsed)`, which returns the exit code.
    """

    def __init__(self, *, module: str, **options: Any) -> None:
        super().__init__(**options)
        self._module = module

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        command = import_module(self._module)
        command.add_arguments(self)
        self.set_defaults(run=command.run)
        return super().parse_known_args(args, namespace)


def port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65_536:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: a whole number from 1 to 65535")
    return int(text)


def count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 on")
    return int(text)


def text(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise argparse.ArgumentTypeError(f"{text!r} is not UTF-8") from None
    return text


def time(text: str | None, option: str) -> datetime | None:
    """CommandFailed when the value of the option is not a time."""
    if text is None:
        return None
    found = times.parse_exact_time_or_date(text)
    if found is None:
        raise CommandFailed(f"{option}: {text!r} is not a time such as 2026-06-01 or 2026-06-01T08:30:00Z")
    return found


def add_action(actions: Any, name: str, help: str, *, epilog: str | None = None) -> Parser:
    """Add an action of a command, which also takes the data folder."""
    added: Parser = actions.add_parser(name, help=help, description=help, epilog=epilog)
    added.add_argument("--data", type=Path, default=argparse.SUPPRESS, metavar="DIR", help="Use this data folder.")
    return added
