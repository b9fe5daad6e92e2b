"""Tables and progress bars of the terminal."""

import sys
from collections.abc import Collection, Sequence
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from adapters.system.terminal import escaped_lines

_PIPE_WIDTH = 100_000
"""The width of output to a file or a pipe: lines are not wrapped."""


class SafeConsole(Console):
    """A console that escapes all text, also in the cells of tables, and interprets no markup.

    It keeps line breaks: pass values of users through `terminal.escaped` first.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(highlight=False, markup=False, emoji=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(escaped_lines(text), **options)


def open_console(*, quiet: bool = False) -> SafeConsole:
    """For lines, and for progress."""
    return SafeConsole(soft_wrap=True, quiet=quiet)


def show_table(headings: Sequence[str], rows: Sequence[Sequence[str]], *, right: Collection[str] = ()) -> None:
    """Print rows as a table, or each row as a block when the terminal is too narrow.

    A pipe gets each row on one line, so that it can be searched. `right`: columns that are aligned to the right.
    """
    console = SafeConsole(width=None if sys.stdout.isatty() else _PIPE_WIDTH)
    table = Table(box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading, justify="right" if heading in right else "left")
    for row in rows:
        table.add_row(*row)
    if console.measure(table, options=console.options.update(width=_PIPE_WIDTH)).maximum <= console.width:
        console.print(table)
        return
    for number, row in enumerate(rows):
        if number:
            console.print()
        console.print(_block(headings, row))


def _block(headings: Sequence[str], row: Sequence[str]) -> Table:
    block = Table.grid(padding=(0, 2))
    block.add_column(no_wrap=True, style="bold")
    block.add_column(overflow="fold")
    for heading, cell in zip(headings, row, strict=True):
        block.add_row(heading, cell)
    return block


class _Rate(ProgressColumn):
    """The rate since the start; the speed of rich covers only the last steps."""

    def render(self, task: Task) -> Text:
        seconds = task.finished_time or task.elapsed
        done = task.completed - task.fields.get("before", 0)
        return Text(f"{done / seconds if seconds else 0:,.0f} {task.fields.get('unit', 'rows')}/s")


def progress_bar(console: Console) -> Progress:
    """Shows the rate and the remaining time. Fields of a task: its `unit` (default: rows), and how many were done
    `before` it started."""
    columns = (TextColumn("{task.description:>9}"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
    return Progress(*columns, console=console)
