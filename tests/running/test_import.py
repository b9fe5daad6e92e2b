"""A file is imported into a running service: all of it, once, however often and however rudely."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from adapters.importer import BATCH
from tests.acceptance.client import Api
from tests.acceptance.outcomes import OUTCOMES, Outcome, answer, query
from tests.acceptance.people import unique
from tests.running.processes import (
    PASSWORD,
    WITH_PASSWORD,
    Run,
    child,
    command,
    environment,
    run_briefly,
    serving,
    soon,
)
from tests.running.programme import client, enrol
from tests.running.turnstile import Turnstile, before
from tests.service import ROOT, free_port

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

ROWS = 8_000
"""Several batches, so that an import can be stopped between them."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    patient = {**WITH_PASSWORD, "GROWTHRINGS_READ_WAIT": "25"}  # a busy machine is no reason for a 503
    with serving(tmp_path_factory.mktemp("import") / "data", patient) as running:
        yield running


@pytest.fixture(scope="module")
def admin(run: Run) -> Iterator[Api]:
    with client(run.url) as api:
        yield api.login("admin", PASSWORD)


@pytest.fixture
def brand() -> str:
    return unique("brand")


@pytest.fixture
def long(tmp_path: Path) -> Path:
    path = tmp_path / "long.csv"
    path.write_text("who,steps,day\n" + "".join(f"{n % 7},{n},{n // 7}\n" for n in range(ROWS)))
    return path


LONG_COLUMNS = ("--value", "steps", "--subject", "who", "--at", "day", "--start", "2000-01-01")


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


def test_refused_rows_are_named_by_their_line_and_the_others_are_kept(
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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=lambda number: number.name)
def test_what_is_stopped_halfway_is_completed_by_the_next_run(
    run: Run, admin: Api, brand: str, long: Path, number: signal.Signals
) -> None:
    with before(run.url) as turnstile, begun(turnstile, long, brand) as process:
        turnstile.let(3)
        assert soon(lambda: count(admin, brand) == 3 * BATCH, 60)
        process.send_signal(number)
        told, logged = process.communicate(timeout=5)
    there = count(admin, brand)
    assert 3 * BATCH == there
    assert "Traceback" not in logged
    if number is not signal.SIGKILL:
        assert 130 == process.returncode
        assert "Stopped. What was sent is kept: run the same again, and nothing is doubled.\n" == logged
        assert re.fullmatch(r"[\d,]+ new, 0 there already, 0 refused", said(told)[0])
    (counts,) = imported(run, long, brand, *LONG_COLUMNS)
    new, already, refused = (int(text.replace(",", "")) for text in re.findall(r"[\d,]*\d", counts))
    assert (ROWS, 0) == (new + already, refused)
    assert there <= already
    outcome = of_brand(admin, brand)
    assert (ROWS, ROWS - 1) == tuple(outcome.ask("summary")[name] for name in ("count", "maximum"))


def begun(turnstile: Turnstile, file: Path, brand: str) -> subprocess.Popen[str]:
    """An import of the long file that goes on as far as the turnstile lets it."""
    return subprocess.Popen(
        command(*words(turnstile.url, file, brand, *LONG_COLUMNS)),
        env=environment(GROWTHRINGS_PASSWORD=PASSWORD),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_service_that_dies_meanwhile_is_waited_for(run: Run, admin: Api, brand: str, long: Path) -> None:
    with before(run.url) as turnstile, begun(turnstile, long, brand) as process:
        turnstile.let(1)
        assert soon(lambda: count(admin, brand) == BATCH, 60)
        os.kill(child(run.data, "api"), signal.SIGKILL)
        turnstile.let(ROWS)
        told, logged = process.communicate(timeout=120)
    assert (0, "") == (process.returncode, logged), told
    assert f"{turnstile.url} cannot be reached: " in told
    assert " 0 refused" in said(told)[0]
    assert ROWS == of_brand(admin, brand).ask("summary")["count"]


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


def test_an_outcome_that_is_there_keeps_its_unit_and_direction_and_that_is_told(
    run: Run, admin: Api, brand: str
) -> None:
    imported(run, CHICKS, brand, *CHICK_COLUMNS, "--unit", "g")
    other = ("--unit", "kg", "--direction", "lower_is_better")
    ended = run_briefly(*words(run.url, CHICKS, brand, *CHICK_COLUMNS, *other))
    assert 0 == ended.returncode, ended
    assert "The outcome is there already, and keeps its unit: g, not kg.\n" in ended.stdout
    assert "keeps its direction: higher_is_better, not lower_is_better.\n" in ended.stdout
    assert ("g", "higher_is_better") == tuple(of_brand(admin, brand).body[name] for name in ("unit", "direction"))


@pytest.mark.parametrize("settings", [{"GROWTHRINGS_PASSWORD": "another"}, {"GROWTHRINGS_ADMIN_PASSWORD": "another"}])
def test_a_wrong_password_is_told_in_a_sentence(run: Run, settings: dict[str, str]) -> None:
    failed = run_briefly(
        *words(run.url, CHICKS, "b", *CHICK_COLUMNS), settings={"GROWTHRINGS_ADMIN_PASSWORD": PASSWORD, **settings}
    )
    assert (1, 1) == (failed.returncode, len(failed.stderr.splitlines())), failed
    assert "Invalid username or password!" in failed.stderr


def test_a_service_that_is_not_there_is_told_in_a_sentence() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    failed = run_briefly("import", CHICKS, "--url", url, "--brand", "b", "--outcome", "o", *CHICK_COLUMNS)
    assert (1, 1) == (failed.returncode, len(failed.stderr.splitlines())), failed
    assert failed.stderr.startswith(f"{url} cannot be reached: ")


WRONG: dict[str, Callable[[list[str]], list[str]]] = {
    "no file": lambda words: ["import", "missing.csv", *words[2:]],
    "a folder": lambda words: ["import", "scripts", *words[2:]],
    "an unknown column": lambda words: [*words, "--value", "Weight"],
    "an unknown metadata column": lambda words: [*words, "--metadata", "Diet,diet"],
    "no date": lambda words: [*words, "--start", "soon"],
    "no address": lambda words: [*words, "--url", "127.0.0.1:8000"],
    "a broken address": lambda words: [*words, "--url", "http://127.0.0.1:port"],
    "a password in the address": lambda words: [*words, "--url", "http://admin:secret@127.0.0.1:8000"],
    "no direction": lambda words: [*words, "--direction", "up"],
    "no brand": lambda words: [word for word in words if word not in ("--brand", "b")],
    "no text": lambda words: [*words, "--metric", "\udcff"],
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_wrong_words_are_told_before_anything_is_sent(wrong: Callable[[list[str]], list[str]]) -> None:
    right = [
        "import",
        CHICKS,
        "--url",
        f"http://127.0.0.1:{free_port()}",
        "--brand",
        "b",
        "--outcome",
        "o",
        *CHICK_COLUMNS,
    ]
    ended = run_briefly(*wrong(right))
    assert (2, "") == (ended.returncode, ended.stdout), ended
    assert ended.stderr
    assert "Traceback" not in ended.stderr


def test_without_a_password_it_says_where_it_looks_for_one() -> None:
    ended = run_briefly("import", CHICKS, "--brand", "b", "--outcome", "o", *CHICK_COLUMNS, settings={})
    assert (2, "GROWTHRINGS_PASSWORD must hold the password of --username\n") == (ended.returncode, ended.stderr)


def test_the_examples_of_the_readme_work_as_they_stand(run: Run) -> None:
    section = (ROOT / "README.md").read_text().split("## Import a file\n")[1].split("\n## ")[0]
    (example,) = re.findall(r"```bash\n(.+?)```", section, re.DOTALL)
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
