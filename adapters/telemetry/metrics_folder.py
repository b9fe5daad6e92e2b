"""The folder in which the API processes of one address share their metrics."""

import os
from pathlib import Path

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""prometheus_client reads this variable when it is imported."""


def emptied(folder: Path) -> dict[str, str]:
    """Empty the folder; the environment of processes that share it."""
    folder.mkdir(mode=0o700, exist_ok=True)
    for file in folder.glob("*.db"):
        file.unlink()
    return {VARIABLE: str(folder)}


def shared() -> Path | None:
    """The shared folder; None when this process is the only one."""
    folder = os.environ.get(VARIABLE)
    return Path(folder) if folder else None
