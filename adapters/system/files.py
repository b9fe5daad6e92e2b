"""Files: how many a process may have open, and files that only their owner may read."""

import os
import resource
from pathlib import Path
from typing import TextIO

OPEN_FILES = 65_536
"""Open files, and so connections, of one process."""


def raise_open_file_limit() -> None:
    """Raise the soft limit to OPEN_FILES, or to the hard limit if that is lower: a single client may hold a thousand
    connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= soft < OPEN_FILES:
        resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES if hard < 0 else min(OPEN_FILES, hard), hard))


def create_private(path: Path) -> TextIO:
    """A new text file of mode 600. FileExistsError if there is a file, since others may have it open."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8")
