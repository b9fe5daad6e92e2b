"""Loads SQL statements from `.sql` files, in which each statement follows a `-- name:` line."""

import re
from pathlib import Path
from typing import LiteralString, cast

_NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


def parse(file: Path) -> dict[str, LiteralString]:
    """The statements of a file by name. They are LiteralString because the text is part of the code."""
    _, *parts = _NAME.split(file.read_text())
    return {
        name: cast("LiteralString", text.strip().rstrip(";"))
        for name, text in zip(parts[::2], parts[1::2], strict=True)
    }


def load(module: str, name: str) -> dict[str, LiteralString]:
    """The statements of `sql/<name>.sql` in the folder of a module, which passes its `__file__`."""
    return parse(Path(module).parent / "sql" / f"{name}.sql")
