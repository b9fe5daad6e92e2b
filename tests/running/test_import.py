"""A file is imported into a running service: completely, once, and by every permitted user."""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.client import Api
from tests.acceptance.people import unique
from tests.running.importing import ANOREXIA, CHICK_COLUMNS, CHICKS, imported, of_brand, patient_service, said, words
from tests.running.processes import PASSWORD, Run, environment, run_briefly
from tests.running.programme import client, enrol
from tests.service import ROOT


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    with patient_service(tmp_path_factory) as running:
        yield running


@pytest.fixture(scope="module")
def admin(run: Run) -> Iterator[Api]:
    with client(run.url) as api:
        yield api.login("admin", PASSWORD)


@pytest.fixture
def brand() -> str:
    return unique("brand")


def test_a_file_is_new_once_and_there_already_ever_after(run: Run, admin: Api, brand: str) -> None:
    columns = (*CHICK_COLUMNS, "--unit", "g", "--metric", "chick_weight", "--direction", "higher_is_better")
    assert ["578 new, 0 there already, 0 refused"] == imported(run, CHICKS, brand, *columns)
    for _ in range(2):
        assert ["0 new, 578 there already, 0 refused"] == imported(run, CHICKS, brand, *columns)
    outcome = of_brand(admin, brand)
    assert {"name": "of the file", "metric_key": "chick_weight", "unit": "g"}.items() <= outcome.body.items()
    entries, total = outcome.listed(subject_id="1", to="1990-01-04")
    assert 2 == total
    assert {
        "outcome_id": outcome.id,
        "subject_id": "1",
        "brand_id": brand,
        "value": "51",
        "recorded_at": "1990-01-03T00:00:00.000Z",
        "metadata": {"Diet": "1"},
    }.items() <= entries[0].items()
    assert (578, 50) == tuple(outcome.ask("summary")[name] for name in ("count", "subjects"))


def test_two_weighings_of_the_same_rows_are_compared_by_their_treatment(run: Run, admin: Api, brand: str) -> None:
    for column, day in (("Prewt", "1990-01-01"), ("Postwt", "1990-04-01")):
        columns = ("--value", column, "--at", day, "--subject", "row", "--metric", "body_weight", "--metadata", "Treat")
        assert ["72 new, 0 there already, 0 refused"] == imported(run, ANOREXIA, brand, *columns)
    compared = of_brand(admin, brand).ask("compare", by="Treat")
    groups = {group["value"]: group for group in compared["groups"]}
    assert {"CBT": 29, "Cont": 26, "FT": 17} == {value: group["subjects"] for value, group in groups.items()}
    changes = {value: round(group["mean_change"], 4) for value, group in groups.items()}
    assert {"CBT": 3.0069, "Cont": -0.45, "FT": 7.2647} == changes
    assert 0.0065 == round(compared["p_value"], 4)


def test_an_import_reports_refused_rows_by_line_and_stores_the_others(
    run: Run, admin: Api, brand: str, tmp_path: Path
) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes(
        b'\xef\xbb\xbfv,who,note\r\n1.50,anna,"two\r\nlines"\r\n\r\nten,anna,\r\n2,,x\r\n3\r\n4,ben,\xc3\xa9\r\n5,ben,z\r\n'
    )
    columns = ("--value", "v", "--subject", "who", "--at", "2020-01-01", "--metadata", "note,who")
    counts, *refused = imported(run, path, brand, *columns, code=1)
    assert "2 new, 1 there already, 3 refused" == counts
    assert [
        "line 5: value must be a decimal number of at most 38 digits, as text!",
        "line 6: subject_id must have at least one character!",
        "line 7: it has 1 fields, the first line has 3",
    ] == refused
    entries, _ = of_brand(admin, brand).listed()
    assert [("4", {"note": "é", "who": "ben"}), ("1.50", {"note": "two\r\nlines", "who": "anna"})] == [
        (entry["value"], entry["metadata"]) for entry in entries
    ]


def test_of_many_refused_rows_ten_are_named_and_the_rest_is_counted(run: Run, brand: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text("v\n" + "x\n" * 1_500)
    counts, *refused = imported(run, path, brand, "--value", "v", "--subject", "row", "--at", "2020-01-01", code=1)
    assert "0 new, 0 there already, 1,500 refused" == counts
    assert [f"line {n}: value" for n in range(2, 12)] == [line[: line.index(" must")] for line in refused[:10]]
    assert ["… and 1,490 more that were refused"] == refused[10:]


def test_an_application_may_import_into_an_outcome_that_is_there_and_create_none(run: Run, brand: str) -> None:
    with client(run.url) as api:
        people = enrol(api).people
        scale = people.application()
    own = (*CHICK_COLUMNS, "--username", scale.username)
    settings = {"GROWTHRINGS_PASSWORD": scale.password, "GROWTHRINGS_ADMIN_PASSWORD": "another"}
    refused = run_briefly(*words(run.url, CHICKS, brand, *own), settings=settings)
    assert (1, True) == (refused.returncode, "admin role required" in refused.stderr), refused
    imported(run, CHICKS, brand, *CHICK_COLUMNS)
    accepted = run_briefly(*words(run.url, CHICKS, brand, *own), settings=settings)
    assert 0 == accepted.returncode, accepted
    assert ["0 new, 578 there already, 0 refused"] == said(accepted.stdout)


def test_an_import_leaves_unit_and_direction_of_an_existing_outcome_and_says_so(
    run: Run, admin: Api, brand: str
) -> None:
    imported(run, CHICKS, brand, *CHICK_COLUMNS, "--unit", "g")
    other = ("--unit", "kg", "--direction", "lower_is_better")
    ended = run_briefly(*words(run.url, CHICKS, brand, *CHICK_COLUMNS, *other))
    assert 0 == ended.returncode, ended
    assert "The outcome is there already, and keeps its unit: g, not kg.\n" in ended.stdout
    assert "keeps its direction: higher_is_better, not lower_is_better.\n" in ended.stdout
    assert ("g", "higher_is_better") == tuple(of_brand(admin, brand).body[name] for name in ("unit", "direction"))


def test_the_documented_import_works_as_it_stands(run: Run) -> None:
    text = (ROOT / "docs/how-to/import-a-file.md").read_text()
    (example,) = re.findall(r"```bash\n(.+?)```", text, re.DOTALL)
    changes = {
        "./scripts/growthrings import": f"{sys.executable} -m adapters.cli import --url {run.url}",
        "http://127.0.0.1:8000": run.url,
        "growing-up": shlex.quote(PASSWORD),
    }
    for written, meant in changes.items():
        assert written in example
        example = example.replace(written, meant)
    ended = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", example],
        env=environment(), cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert (0, "") == (ended.returncode, ended.stderr), ended
    trend, compared = [json.loads(line) for line in ended.stdout.splitlines() if line.startswith("{")]
    assert "increasing" == trend["direction"]
    assert ["CBT", "Cont", "FT"] == sorted(group["value"] for group in compared["groups"])
    assert 3 == ended.stdout.count(" 0 refused\n")
