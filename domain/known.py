"""The lookups of a decision."""

from typing import Protocol

from domain.dedupe import Key
from domain.event import Event


class Known(Protocol):
    """What a command has read from the log before its decision; anything else is a KeyError."""

    def holder(self, key: Key) -> str | None: ...

    def history(self, stream: str) -> list[Event]: ...
