"""The documents name every setting, metric, command, kind of 503, alert and log message, and their links lead on."""

import pkgutil
import re
import shutil
import subprocess
from argparse import ArgumentParser, _SubParsersAction
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from prometheus_client import CollectorRegistry

from adapters.cli.main import _parser
from adapters.settings import VARIABLES, Settings
from adapters.telemetry.exposition import OF_VIEWS
from adapters.telemetry.metrics import Metrics
from application.unavailable import KINDS
from tests.project.documents import DOCUMENTS, anchors, first_cells, headings, log_messages, raised_kinds, rows, text
from tests.service import ROOT

RUNBOOK = "docs/how-to/runbook.md"
ALERTS = ROOT / "docs/how-to/alerts.yml"
RULES: list[dict[str, Any]] = [
    rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]
]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_relative_link_of_a_document_leads_to_a_file_and_a_heading(document: Path) -> None:
    prose = re.sub(r"```.*?```", "", document.read_text(), flags=re.DOTALL)
    for link in re.findall(r"\]\((?!https?:)([^)\s]+)\)", prose):
        name, _, anchor = link.partition("#")
        target = (document.parent / name).resolve() if name else document
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_every_document_is_reached_from_the_index() -> None:
    reached, waiting = set(), [ROOT / "README.md", ROOT / "docs/README.md"]
    while waiting:
        document = waiting.pop()
        if document in reached:
            continue
        reached.add(document)
        for link in re.findall(r"\]\(([^)\s#]+\.md)", document.read_text()):
            waiting.append((document.parent / link).resolve())
    assert not set(DOCUMENTS) - reached


@pytest.mark.parametrize("name", VARIABLES)
def test_every_setting_has_a_row_with_its_default(name: str) -> None:
    default = getattr(Settings(), name)
    shown = "none" if default is None else f"`{default}`"
    assert f"| `{VARIABLES[name]}` | {shown} |" in text("docs/reference/settings.md")


def test_no_setting_is_documented_that_does_not_exist() -> None:
    assert set(VARIABLES.values()) == first_cells("docs/reference/settings.md")


def metrics() -> set[str]:
    """The names of all metrics of ours, as they are scraped."""
    registry = CollectorRegistry()
    Metrics(registry)
    names = {f"{metric.name}_total" if metric.type == "counter" else metric.name for metric in registry.collect()}
    of_views = {f"growthrings_view_{name}" for name in OF_VIEWS}
    of_log = {"growthrings_database_up", "growthrings_log_events", "growthrings_log_bytes", "growthrings_build_info"}
    return names | of_views | of_log


def test_every_metric_is_documented() -> None:
    assert not [name for name in metrics() if f"`{name}`" not in text("docs/reference/metrics.md")]


def test_no_metric_is_documented_that_does_not_exist() -> None:
    assert not set(re.findall(r"`(growthrings_\w+)`", text("docs/reference/metrics.md"))) - metrics()


def commands(parser: ArgumentParser, before: str = "") -> Iterator[str]:
    """Every command and action of the CLI."""
    inner = [action for action in parser._actions if isinstance(action, _SubParsersAction)]
    for action in inner:
        for name, each in action.choices.items():
            yield from commands(each, f"{before} {name}".strip())
    if not inner:
        yield before


def test_every_command_is_documented() -> None:
    shown = first_cells("docs/reference/cli.md")
    assert not [name for name in commands(_parser()) if not any(cell.startswith(name) for cell in shown)]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_503_is_documented_and_has_an_entry_in_the_runbook(kind: str) -> None:
    assert kind in first_cells("docs/reference/errors.md")
    assert kind in headings(RUNBOOK)


def test_every_file_that_raises_a_503_is_named_with_its_kind() -> None:
    raised, documented = raised_kinds(), rows("docs/reference/errors.md")
    assert set(KINDS) - {"partitions"} == {kind for kind, _ in raised}  # this one is raised under a variable
    assert not [(kind, file) for kind, file in raised if f"`{file}`" not in documented[kind]]


def test_every_source_file_that_a_document_names_exists() -> None:
    named = re.compile(r"`((?:domain|application|projections|adapters)/[\w/]+\.(?:py|sql))`")
    current = [document for document in DOCUMENTS if document.name != "CHANGELOG.md"]
    files = {file for document in current for file in named.findall(document.read_text())}
    assert len(files) > 20
    assert not [file for file in sorted(files) if not (ROOT / file).is_file()]


def test_every_alert_has_an_entry_in_the_runbook() -> None:
    assert 5 == len(RULES)
    assert not {rule["alert"] for rule in RULES} - headings(RUNBOOK)


def test_every_logged_warning_and_error_has_an_entry_in_the_runbook() -> None:
    messages = log_messages()
    assert len(messages) > 30
    assert not set(messages) - headings(RUNBOOK)


def test_the_runbook_names_the_message_that_ends_a_failure() -> None:
    runbook = " ".join(text(RUNBOOK).replace("`", "").split())
    assert not [over for ends in log_messages().values() for over in ends if over not in runbook]


def test_the_runbook_has_no_entry_of_what_is_never_logged() -> None:
    prose = {"Runbook", "Alerts", "503 by kind", "Errors in the log", "Warnings in the log"}
    known = {rule["alert"] for rule in RULES} | set(KINDS) | set(log_messages()) | prose
    assert not headings(RUNBOOK) - known


def test_every_metric_of_an_alert_exists() -> None:
    suffix = re.compile(r"_(count|sum|bucket)\b")
    for rule in RULES:
        used = {suffix.sub("", name) for name in re.findall(r"growthrings_\w+", rule["expr"])}
        assert used
        assert not used - metrics()


def test_every_alert_has_the_shape_that_prometheus_reads() -> None:
    for rule in RULES:
        assert {"alert", "expr", "for", "labels", "annotations"} == rule.keys()
        assert re.fullmatch(r"\d+m", rule["for"])
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert {"summary", "description"} == rule["annotations"].keys()
        assert rule["expr"].count("(") == rule["expr"].count(")")


def test_promtool_accepts_the_alerts() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed")
    checked = subprocess.run([promtool, "check", "rules", str(ALERTS)], capture_output=True, text=True, check=False)
    assert 0 == checked.returncode, checked.stdout + checked.stderr


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_of_the_project_that_a_document_names_exists(document: Path) -> None:
    folders = "adapters|application|domain|projections|scripts|tests|docs"
    named = set(re.findall(rf"`((?:{folders})/[\w./-]+)`", document.read_text()))
    assert not [path for path in named if not (ROOT / path).exists()]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_attribute_that_a_document_names_exists(document: Path) -> None:
    packages = "adapters|application|domain|projections"
    for name in set(re.findall(rf"`((?:{packages})(?:\.\w+)+)`", document.read_text())):
        assert pkgutil.resolve_name(name), name
