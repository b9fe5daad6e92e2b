"""Named statements: SQL lives in `.sql` files, each statement under a `-- name:` line."""

import re
from pathlib import Path
from typing import LiteralString, cast

_NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


def parse(file: Path) -> dict[str, LiteralString]:
    """The statements of a file by name. Their text is the project's own, never a client's: hence LiteralString."""
    _, *parts = _NAME.split(file.read_text())
    return {
        name: cast("LiteralString", text.strip().rstrip(";"))
        for name, text in zip(parts[::2], parts[1::2], strict=True)
    }


def load(module: str, name: str) -> dict[str, LiteralString]:
    """The statements of `sql/<name>.sql` in the folder of the module whose `__file__` is given."""
    return parse(Path(module).parent / "sql" / f"{name}.sql")
