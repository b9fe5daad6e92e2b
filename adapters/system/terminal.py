"""Prints the output of commands, with control characters escaped: text from elsewhere must not control a terminal."""

import sys
from typing import Any

import msgspec


def escaped(text: str) -> str:
    r"""The text with all unprintable characters escaped as in Python: `\x1b`, `\n`, `\u202e`. It stays on one line.

    Control characters move the cursor and change colours; bidirectional and zero-width ones change what a person reads.
    """
    return text if text.isprintable() else "".join(map(_shown, text))


def escaped_lines(text: str) -> str:
    """Like `visible`, but keeps line breaks, for text whose lines are ours."""
    return text if text.isprintable() else "\n".join(map(escaped, text.split("\n")))


def _shown(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode()


def print_line(text: str) -> None:
    """Print one line."""
    sys.stdout.write(escaped(text) + "\n")


def print_error(text: str) -> None:
    """Print an error to standard error. Lines after the first are indented, so that quoted text cannot pass for one of
    our lines."""
    sys.stderr.write(escaped_lines(text).replace("\n", "\n    ") + "\n")


def print_json(value: Any) -> None:
    r"""Print one line of JSON with unprintable characters escaped, such as `\u009b`."""
    text = msgspec.json.encode(value).decode()
    sys.stdout.write((text if text.isprintable() else "".join(map(_shown_in_json, text))) + "\n")


def _shown_in_json(character: str) -> str:
    if character.isprintable():
        return character
    units = character.encode("utf-16-be").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
