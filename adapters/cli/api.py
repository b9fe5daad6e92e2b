"""`growthrings api`: runs one API process on a prepared database."""

import argparse

from adapters.cli import arguments
from adapters.processes import api
from adapters.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="Listen on this address (default: 127.0.0.1).")
    parser.add_argument("--port", type=arguments.port, default=8000, help="Listen on this port (default: 8000).")
    parser.add_argument(
        "--socket", type=int, metavar="FD", help="Listen on this open socket instead of --host and --port."
    )


def run(settings: Settings, parsed: argparse.Namespace) -> int:
    api.run(settings, parsed.data, parsed.host, parsed.port, descriptor=parsed.socket)
    return 0
