"""What a person sees: tables, and how far something is that takes longer than a second."""

import sys

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

WIDTH = 160
"""Characters of a table that goes to a file or another program."""


def wide() -> Console:
    """For tables. What is not a terminal has no width: whoever searches it wants each row on one line."""
    return Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else WIDTH)


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed or (task.completed / task.elapsed if task.elapsed else 0)
        return Text(f"{speed:,.0f} {task.fields.get('unit', 'rows')}/s")


def progress(console: Console) -> Progress:
    """With the rate and the time that is left. Tasks may name their `unit`; it is `rows` else."""
    columns = (TextColumn("{task.description:>9}"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
    return Progress(*columns, console=console)
