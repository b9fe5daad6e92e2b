"""`growthrings serve`: runs the database, the API and the projector."""

import argparse

from adapters.cli import arguments
from adapters.limits.limiter import require_shared_limits
from adapters.processes.supervisor import serve
from adapters.settings import Settings
from adapters.system import tls


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="Listen on this address (default: 127.0.0.1).")
    parser.add_argument("--port", type=arguments.port, default=8000, help="Listen on this port (default: 8000).")
    parser.add_argument("--workers", type=arguments.count, default=1, help="Run this many API processes (default: 1).")


def run(settings: Settings, parsed: argparse.Namespace) -> int:
    tls.check(settings)
    require_shared_limits(settings, parsed.workers)
    serve(settings, parsed.data.absolute(), parsed.host, parsed.port, workers=parsed.workers)
    return 0
