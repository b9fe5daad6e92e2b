"""`growthrings project`: keeps the views of a prepared database up to date."""

import argparse

from adapters.processes import projector
from adapters.settings import Settings


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """It has none."""


def run(settings: Settings, parsed: argparse.Namespace) -> int:
    projector.run(settings, parsed.data)
    return 0
