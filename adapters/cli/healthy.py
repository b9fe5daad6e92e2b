"""`growthrings healthy`: the health check of a container or a service manager."""

import argparse

from adapters.cli import arguments
from adapters.postgres import embedded
from adapters.processes import health_check
from adapters.settings import Settings
from adapters.system.terminal import print_line


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("process", choices=["api", "project"], help="Check the API or the projector of this machine.")
    parser.add_argument("--port", type=arguments.port, default=8000, help="The API listens on this port.")


def run(settings: Settings, parsed: argparse.Namespace) -> int:
    """Unhealthy."""
    if parsed.process == "api":
        health_check.check_api(settings, parsed.port)
    else:
        health_check.check_projector(settings.database_url or embedded.url(parsed.data))
    print_line("healthy")
    return 0
