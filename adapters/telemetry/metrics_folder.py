"""The folder in which the processes that share an address count together."""

import os
from pathlib import Path

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""The library's own: it looks there before anything is counted."""


def emptied(folder: Path) -> dict[str, str]:
    """The environment of processes that count together, from nothing."""
    folder.mkdir(mode=0o700, exist_ok=True)
    for file in folder.glob("*.db"):
        file.unlink()
    return {VARIABLE: str(folder)}


def shared() -> Path | None:
    """Where this process counts with others; None where it is alone."""
    folder = os.environ.get(VARIABLE)
    return Path(folder) if folder else None
