"""Files that only their owner may read."""

import os
from pathlib import Path
from typing import TextIO


def created(path: Path) -> TextIO:
    """A new text file of mode 600. FileExistsError: what is there may be another's to read."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8")
