"""Text of others cannot make a terminal do anything, and rows are read on a narrow one as on a wide one."""

import io
import json
import re
import sys
from pathlib import Path

import pytest

from adapters.cli.arguments import Parser
from adapters.cli.console import open_console, show_table
from adapters.cli.replay import _HEADINGS
from adapters.system import terminal
from adapters.system.terminal import escaped, escaped_lines

HOSTILE = {
    "\x1b[2J": r"\x1b[2J",
    "a\nb": r"a\nb",
    "a\rb": r"a\rb",
    "a\tb": r"a\tb",
    "\x07\x08\x00": r"\x07\x08\x00",
    "\x7f": r"\x7f",
    "\x9b31m": r"\x9b31m",
    "\u202egnp.exe\u202c": r"\u202egnp.exe\u202c",
    "\u2066x\u2069": r"\u2066x\u2069",
    "zero\u200bwidth\ufeff": r"zero\u200bwidth\ufeff",
    "line\u2028paragraph\u2029": r"line\u2028paragraph\u2029",
    "tag\U000e0041": r"tag\U000e0041",
    "\udcff": r"\udcff",
}
"""Text → what a person sees of it."""

ADAPTERS = Path(terminal.__file__).parent.parent

HARMLESS = ["", "Hill School", "Größe 30,5 kg", "身長 🌳", "a\\b", "[bold]kg[/bold]", ":smile:"]


@pytest.mark.parametrize(("text", "seen"), HOSTILE.items())
def test_invisible_characters_are_escaped_for_the_terminal(text: str, seen: str) -> None:
    assert seen == escaped(text)
    assert seen == escaped(escaped(text))


@pytest.mark.parametrize("text", HARMLESS)
def test_visible_text_is_not_escaped_for_the_terminal(text: str) -> None:
    assert text == escaped(text) == escaped_lines(text)


def test_lines_of_our_own_stay_lines() -> None:
    assert "first\nsecond \\x1b" == escaped_lines("first\nsecond \x1b")


@pytest.mark.parametrize("text", [*HOSTILE, *HARMLESS])
def test_a_screen_shows_text_and_obeys_none_of_it(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither as a line nor as a cell; and rich takes none of it for colours or emoji."""
    open_console().print(escaped(text))
    assert escaped(text) + "\n" == capsys.readouterr().out
    show_table(["unit"], [[escaped(text)]])
    assert escaped(text) == capsys.readouterr().out.splitlines()[1].rstrip()


@pytest.mark.parametrize("text", [text for text in HOSTILE if "\n" not in text])
def test_a_screen_makes_visible_what_a_command_forgot(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    open_console().print(text)
    show_table(["unit"], [[text]])
    assert capsys.readouterr().out.replace("\n", "").isprintable()


@pytest.mark.parametrize("text", [text for text in [*HOSTILE, *HARMLESS] if "\udcff" not in text])
def test_json_is_the_same_data_in_what_can_be_seen(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    terminal.print_json({"unit": text})
    printed = capsys.readouterr().out
    assert {"unit": text} == json.loads(printed)
    assert printed.removesuffix("\n").isprintable()


@pytest.mark.parametrize("text", HOSTILE)
def test_a_complaint_and_a_wrong_word_show_what_they_quote(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    terminal.print_error(f"no such thing: {text}")
    terminal.print_line(f"done: {text}")
    with pytest.raises(SystemExit):
        Parser(prog="growthrings").parse_args([f"--no-such{text}"])
    told = capsys.readouterr()
    assert (told.out + told.err).replace("\n", "").isprintable()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


ROWS = [
    ["0-1", "1", "measurement.recorded.v3", "2026-03-01 08:00", "2026-03-01 08:00", "application 6566", "value: 30.4"],
    ["0-2", "2", "measurement.revised.v1", "2026-03-01 08:00", "2026-03-02 08:00", "application 6566", "a\nb"],
]


def shown(width: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    output = Terminal()
    monkeypatch.setattr(sys, "stdout", output)
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "xterm")
    show_table(_HEADINGS, ROWS)
    return [line.rstrip() for line in re.sub(r"\x1b\[[0-9;]*m", "", output.getvalue()).splitlines()]


@pytest.mark.parametrize("width", [40, 80])
def test_a_narrow_terminal_gets_a_block_for_each_row_that_loses_nothing(
    width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = shown(width, monkeypatch)
    assert lines[0].split() == ["position", "0-1"]
    assert "fact          measurement.recorded.v3" in lines
    assert "what changed  value: 30.4" in lines
    assert "" == lines[len(_HEADINGS)]
    assert all(len(line) <= width for line in lines)


def test_a_wide_terminal_gets_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = shown(200, monkeypatch)
    assert [*" ".join(_HEADINGS).split()] == lines[0].split()
    assert len(ROWS) + 2 == len(lines)


def test_a_pipe_gets_each_row_on_one_line_however_long(capsys: pytest.CaptureFixture[str]) -> None:
    show_table(["id", "what"], [["1", "x" * 5_000], ["2", "y"]])
    assert 3 == len(capsys.readouterr().out.splitlines())


def test_no_command_prints_but_through_the_terminal() -> None:
    """No other module makes a console of its own, or writes to the streams."""
    allowed = {"terminal.py", "console.py", "main.py", "logs.py", "log_lines.py"}
    others = [file for file in ADAPTERS.rglob("*.py") if file.name not in allowed]
    direct = re.compile(r"(?<!\w)Console\(|\bprint\((?!self)|sys\.std(out|err)\.write\(")
    assert [] == [
        f"{file.name}: {line.strip()}"
        for file in others
        for line in file.read_text().splitlines()
        if direct.search(line) and "console.print(" not in line and "file=out" not in line
    ]
