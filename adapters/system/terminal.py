"""What commands print, and the one place that keeps it from being obeyed: text of others shows what it holds, on a
terminal and in a pipe."""

import sys
from typing import Any

import msgspec


def escaped(text: str) -> str:
    r"""The text with every character that cannot be seen written as Python writes it: `\x1b`, `\n`, `\u202e`.

    Control characters move the cursor and change colours, those of direction and of no width change what is read. A
    value that goes through here keeps to its line.
    """
    return text if text.isprintable() else "".join(map(_shown, text))


def escaped_lines(text: str) -> str:
    """The same for text that has lines of our own making."""
    return text if text.isprintable() else "\n".join(map(escaped, text.split("\n")))


def _shown(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode()


def print_line(text: str) -> None:
    """Print one line."""
    sys.stdout.write(escaped(text) + "\n")


def print_error(text: str) -> None:
    """Print to standard error what a command could not do. Lines after the first are indented: what somebody else has
    written among them is not taken for a line of ours."""
    sys.stderr.write(escaped_lines(text).replace("\n", "\n    ") + "\n")


def print_json(value: Any) -> None:
    r"""Print one line of JSON: the same data, in which what cannot be seen is written as `\u009b`."""
    text = msgspec.json.encode(value).decode()
    sys.stdout.write((text if text.isprintable() else "".join(map(_shown_in_json, text))) + "\n")


def _shown_in_json(character: str) -> str:
    if character.isprintable():
        return character
    units = character.encode("utf-16-be").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
