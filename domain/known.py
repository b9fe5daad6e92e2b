"""What a decision may look up."""

from typing import Protocol

from domain.dedupe import Key
from domain.event import Event


class Known(Protocol):
    """Only what its command has said that it reads."""

    def holder(self, key: Key) -> str | None: ...

    def history(self, stream: str) -> list[Event]: ...
