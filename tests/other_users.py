"""Tests that start a server as another operating-system user."""

import os
from pathlib import Path

import pytest

from adapters.postgres import embedded


def _reason() -> str:
    """Why no server can be started as another user; empty if it can."""
    if os.geteuid() != 0:
        return "only root becomes another user"
    program = Path(embedded._binary("postgres"))
    for folder in (*program.parents, *program.resolve().parents):
        if not folder.stat().st_mode & 0o001:
            return f"no other user may enter {folder}, where PostgreSQL is"
    return ""


as_another_user = pytest.mark.skipif(bool(_reason()), reason=_reason())
