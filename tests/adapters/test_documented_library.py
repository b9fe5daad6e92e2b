"""The documented example of the `eventsourcing` library on this log."""

import re
from typing import Any

from tests.service import ROOT


def test_the_documented_application_of_the_library_saves_and_reads_an_aggregate(database: str) -> None:
    text = (ROOT / "docs/how-to/eventsourcing-library.md").read_text()
    (example,) = re.findall(r"```python\n(.+?)```", text, re.DOTALL)
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(example, "eventsourcing-library.md", "exec"), names)
    assert 30.6 == names["run"](database)
