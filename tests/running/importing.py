"""Imports into a running service: the words of the command, and what it leaves behind."""

import re
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.acceptance.client import Api
from tests.acceptance.outcomes import OUTCOMES, Outcome, answer, query
from tests.running.processes import WITH_PASSWORD, Run, run_briefly, serving

CHICKS = "scripts/data/chick_weight.csv"
ANOREXIA = "scripts/data/anorexia.csv"
CHICK_COLUMNS = (
    "--value",
    "weight",
    "--subject",
    "Chick",
    "--at",
    "Time",
    "--start",
    "1990-01-01",
    "--metadata",
    "Diet",
)


def patient_service(folders: pytest.TempPathFactory) -> AbstractContextManager[Run]:
    """A busy machine is no reason for a 503."""
    return serving(folders.mktemp("import") / "data", {**WITH_PASSWORD, "GROWTHRINGS_READ_WAIT": "25"})


def words(url: str, file: Path | str, brand: str, *columns: str) -> list[str]:
    return ["import", str(file), "--url", url, "--brand", brand, "--outcome", "of the file", *columns]


def imported(run: Run, file: Path | str, brand: str, *columns: str, code: int = 0) -> list[str]:
    """The lines that an import has to say in the end, from the counts on."""
    ended = run_briefly(*words(run.url, file, brand, *columns), seconds=240)
    assert (code, "") == (ended.returncode, ended.stderr), ended
    return said(ended.stdout)


def said(told: str) -> list[str]:
    lines = told.splitlines()
    (first,) = [place for place, line in enumerate(lines) if re.fullmatch(r"[\d,]+ new, .*refused", line)]
    return lines[first:]


def of_brand(admin: Api, brand: str) -> Outcome:
    (found,) = answer(admin.get(query(OUTCOMES, brand_id=brand)))["outcomes"]
    return Outcome(admin, found)


def count(admin: Api, brand: str) -> int:
    """Entries of the brand's only outcome, which may not be there yet."""
    found = answer(admin.get(query(OUTCOMES, brand_id=brand)))["outcomes"]
    return Outcome(admin, found[0]).listed(limit=1)[1] if found else 0
