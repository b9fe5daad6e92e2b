"""The package: its wheel, its command, its one version."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from adapters.cli.main import main
from adapters.http.openapi.document import document
from adapters.postgres.health_probe import HealthSnapshot
from adapters.telemetry.exposition import Exposition
from adapters.version import VERSION
from tests.service import ROOT

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES: list[str] = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
GENERATED = {"__pycache__"}


def data_files() -> list[Path]:
    """Every file below a package of the wheel that is not Python."""
    return [
        path
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and path.suffix != ".py" and not GENERATED & set(path.parts)
    ]


def test_the_wheel_holds_the_four_packages() -> None:
    assert ["domain", "application", "projections", "adapters"] == PACKAGES


def test_no_rule_keeps_a_data_file_out_of_the_wheel() -> None:
    """Hatchling packs every file of a package that neither .gitignore nor a rule of the project leaves out."""
    assert {".sql", ".lua", ".html", ".css", ".js"} == {path.suffix for path in data_files()}
    assert {"packages"} == PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"].keys()
    ignored = (ROOT / ".gitignore").read_text().split()
    assert not [path for path in data_files() for pattern in ignored if path.match(pattern.strip("/"))]


def test_every_folder_with_code_or_data_is_a_package_or_lies_in_one() -> None:
    for package in PACKAGES:
        for folder in {path.parent for path in (ROOT / package).rglob("*.py")}:
            assert (folder / "__init__.py").is_file(), folder


def test_hatchling_packs_every_data_file() -> None:
    wheel = pytest.importorskip("hatchling.builders.wheel")
    packed = {Path(each.path) for each in wheel.WheelBuilder(str(ROOT)).recurse_included_files()}
    assert not set(data_files()) - packed


def test_the_command_growthrings_is_the_function_main() -> None:
    assert {"growthrings": f"{main.__module__}:{main.__name__}"} == PROJECT["project"]["scripts"]


def test_the_version_stands_in_one_place() -> None:
    assert ["version"] == PROJECT["project"]["dynamic"]
    assert {"path": "adapters/version.py"} == PROJECT["tool"]["hatch"]["version"]


def test_the_command_prints_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])
    assert f"{VERSION}\n" == capsys.readouterr().out


def test_the_openapi_document_names_the_version() -> None:
    assert VERSION == document()["info"]["version"]


def test_metrics_name_the_version() -> None:
    assert (
        f'growthrings_build_info{{version="{VERSION}"}} 1.0'
        in Exposition().text(HealthSnapshot(0.0)).decode().splitlines()
    )


def test_the_changelog_begins_with_this_version() -> None:
    headings = [line for line in (ROOT / "CHANGELOG.md").read_text().splitlines() if line.startswith("## ")]
    assert f"## {VERSION}" == headings[0]
