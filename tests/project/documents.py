"""Reads the project's documents, and the messages that its code logs."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.service import ROOT

DOCUMENTS = [ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")]
DOCUMENTS += sorted((ROOT / "docs").rglob("*.md"))

PACKAGES = ("domain", "application", "projections", "adapters")
OUTAGES = {"Outage", "Outages"}
LOGGED = {"warning", "error", "exception", "critical"}


@cache
def text(path: str) -> str:
    return (ROOT / path).read_text()


def first_cells(path: str) -> set[str]:
    """What stands between backquotes in the first column of the tables of a document."""
    cells = [line.split("|")[1] for line in text(path).splitlines() if line.startswith("|")]
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


def rows(path: str) -> dict[str, str]:
    """The rows of the tables of a document, by the first name between backquotes in their first column."""
    lines = [line for line in text(path).splitlines() if line.startswith("| `")]
    return {line.split("`")[1]: line for line in lines}


def headings(path: str) -> set[str]:
    """Its headings without backquotes."""
    return {line.lstrip("#").replace("`", "").strip() for line in text(path).splitlines() if line.startswith("#")}


def anchors(path: Path) -> set[str]:
    """The anchors that GitHub makes of the headings of a document."""
    marks = re.compile(r"[^\w\- ]")
    lines = [line.lstrip("#").strip().lower() for line in path.read_text().splitlines() if line.startswith("#")]
    return {marks.sub("", line).replace(" ", "-") for line in lines}


def python_files() -> Iterator[Path]:
    for package in PACKAGES:
        yield from sorted((ROOT / package).rglob("*.py"))


def raised_kinds() -> set[tuple[str, str]]:
    """The kind of each 503 that our code raises, with the file; not the examples of the OpenAPI document."""
    files = [path for path in python_files() if "openapi" not in path.parts]
    return {
        (keyword.value.value, str(path.relative_to(ROOT)))
        for path in files
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "Unavailable"
        for keyword in call.keywords or [ast.keyword("kind", ast.Constant("database"))]
        if isinstance(keyword.value, ast.Constant) and isinstance(keyword.value.value, str)
    }


def log_messages() -> dict[str, list[str]]:
    """Every warning or error that our code logs → the message of its end, if it has one."""
    found: dict[str, list[str]] = {"log lines were lost": []}
    for path in python_files():
        tree = ast.parse(path.read_text())
        texts = {
            target.id: node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and call.args and _logs(call.func):
                first = call.args[0]
                message = _text(texts.get(first.id, first) if isinstance(first, ast.Name) else first)
                if message is not None:
                    is_outage = isinstance(call.func, ast.Name)
                    found[message] = [_text(each) or "" for each in call.args[1:] if is_outage]
    return found


def _logs(called: ast.expr) -> bool:
    if isinstance(called, ast.Name):
        return called.id in OUTAGES
    return isinstance(called, ast.Attribute) and called.attr in LOGGED and "log" in ast.unparse(called.value)


def _text(node: ast.expr) -> str | None:
    match node:
        case ast.Constant(value=str(value)):
            return value.replace("`", "")
        case ast.JoinedStr(values=values):
            return "".join(_text(each) or "…" for each in values)
    return None
