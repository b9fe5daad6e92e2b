"""Words that the glossary has retired do not come back as names."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.project.documents import text
from tests.service import ROOT

FOLDERS = ("domain", "application", "projections", "adapters", "scripts", "tests")

RETIRED = re.findall(r"`([a-z_]+)`", text("docs/glossary.md").split("## Retired words\n")[1].partition("\n\n")[2])


def named(path: Path) -> Iterator[str]:
    """The names of a module, its classes and its functions; names of tests are sentences, and no names."""
    yield path.stem
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith(
            "test_"
        ):
            yield node.name


def words(name: str) -> str:
    """A name in lower case, its words between underscores."""
    return f"_{re.sub(r'(?<=[a-z0-9])(?=[A-Z])', '_', name).lower().strip('_')}_"


def test_no_module_class_or_function_has_a_retired_word_in_its_name() -> None:
    assert len(RETIRED) > 10
    found = [
        f"{path.relative_to(ROOT)}: {name}"
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*.py")
        for name in named(path)
        for retired in RETIRED
        if f"_{retired}_" in words(name)
    ]
    assert not found


def test_names_are_cut_into_words() -> None:
    assert "_patient_client_" == words("PatientClient")
    assert "_at_hand_" == words("_at_hand")
