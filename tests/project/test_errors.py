"""Every exception class of the project has one root."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_own_exception_derives_from_the_one_root() -> None:
    roots = [
        f"{file.relative_to(ROOT)}: {node.name}"
        for package in ("domain", "application", "projections", "adapters")
        for file in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ClassDef)
        and any(isinstance(base, ast.Name) and base.id in ("Exception", "ValueError") for base in node.bases)
    ]
    assert ["domain/errors.py: GrowthringsError"] == roots
