"""`growthrings prepare`: creates the schema, the keys and the first admin where they are missing."""

import argparse

from adapters.processes.database import database
from adapters.processes.prepare import equal_name_notices, outdated_view_notices, prepare
from adapters.settings import Settings
from adapters.system.terminal import print_line


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """It has none."""


def run(settings: Settings, parsed: argparse.Namespace) -> int:
    with database(settings, parsed.data, makes=True) as url:
        prepare(settings, parsed.data, url)
        for line in (*outdated_view_notices(url), *equal_name_notices(url)):
            print_line(line)
    return 0
