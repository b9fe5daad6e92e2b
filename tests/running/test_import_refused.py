"""An import that is refused is explained in a sentence, before anything is sent."""

from collections.abc import Callable

import pytest

from tests.running.conftest import Alive
from tests.running.importing import CHICK_COLUMNS, CHICKS, words
from tests.running.processes import PASSWORD, run_briefly
from tests.service import free_port


@pytest.mark.parametrize("settings", [{"GROWTHRINGS_PASSWORD": "another"}, {"GROWTHRINGS_ADMIN_PASSWORD": "another"}])
def test_an_import_reports_a_wrong_password_in_a_sentence(alive: Alive, settings: dict[str, str]) -> None:
    failed = run_briefly(
        *words(alive.run.url, CHICKS, "b", *CHICK_COLUMNS),
        settings={"GROWTHRINGS_ADMIN_PASSWORD": PASSWORD, **settings},
    )
    assert (1, 1) == (failed.returncode, len(failed.stderr.splitlines())), failed
    assert "Invalid username or password!" in failed.stderr


def test_an_import_reports_an_unreachable_service_in_a_sentence() -> None:
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
def test_invalid_arguments_of_an_import_are_reported_before_anything_is_sent(
    wrong: Callable[[list[str]], list[str]],
) -> None:
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
    assert (2, "GROWTHRINGS_PASSWORD is not set: it must hold the password of --username\n") == (
        ended.returncode,
        ended.stderr,
    )
