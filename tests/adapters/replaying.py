"""A log that is replayed, and what somebody does to its events by hand."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from msgspec.structs import replace

from adapters.cli import replay
from domain.catalogue import decode, encode
from domain.event import Event
from domain.partition import partition, position
from tests.adapters.rebuilding import Copy
from tests.conftest import PARTITIONS

Findings = set[tuple[str, str]]
"""What sort each is, and where."""

LOCATED = """
select e.part, e.seq, e.originator_id, e.originator_version, e.topic, e.state,
    count(*) over (partition by e.part, e.originator_id), max(e.seq) over (partition by e.part)
from events e
order by e.part, e.seq
"""


@dataclass(frozen=True)
class Located:
    """An event where it is; `of` counts those of its stream, `last` is the last of its partition."""

    part: int
    seq: int
    event: Event
    of: int
    last: int

    @property
    def position(self) -> str:
        return position(self.part, self.seq)

    @property
    def next(self) -> str:
        return position(self.part, self.seq + 1)

    @property
    def place(self) -> tuple[int, int]:
        return self.part, self.seq

    @property
    def is_alone(self) -> bool:
        return self.of == 1

    @property
    def is_amid(self) -> bool:
        """Whether others come before and after it in its partition."""
        return 1 < self.seq < self.last


def located(copy: Copy) -> list[Located]:
    """The whole log."""
    return [
        Located(part, seq, decode(topic, state), of, last)
        for part, seq, _, _, topic, state, of, last in copy.ask(LOCATED)
    ]


def insert(copy: Copy, event: Event, part: int | None = None) -> str:
    """Put an event at the end of a partition, by default its own, recorded when the one before it was; its position."""
    part = partition(event.originator_id, PARTITIONS) if part is None else part
    last = [each for each in located(copy) if each.part == part][-1]
    stamped = replace(event, origin=replace(event.origin, recorded_at=last.event.origin.recorded_at))
    row = (part, last.seq + 1, event.originator_id, event.originator_version, event.stored_name, encode(stamped))
    copy.ask("insert into events values (%s, %s, %s, %s, %s, %s)", *row)
    return last.next


def one(events: list[Located], fits: Callable[[Located], bool]) -> Located:
    """The first that fits, amid others of its partition."""
    return next(each for each in events if each.is_amid and fits(each))


def flip(copy: Copy, of: Located, byte: int, value: int) -> None:
    copy.ask("update events set state = set_byte(state, %s, %s) where part = %s and seq = %s", byte, value, *of.place)


@dataclass(frozen=True)
class Replayed:
    """How a replay ended, and what it told."""

    code: int
    told: dict[str, Any]

    @property
    def in_the_log(self) -> Findings:
        return {(each["what"], each["position"]) for each in self.told["findings"] if each["what"] != "view"}

    @property
    def beside_it(self) -> set[str]:
        """The rows, by table and key."""
        return {each["stream"] for each in self.told["findings"] if each["what"] == "view"}


def replayed(copy: Copy, capsys: pytest.CaptureFixture[str], *, compares: bool = True, workers: int = 1) -> Replayed:
    capsys.readouterr()
    code = replay.check_log(copy.url, as_json=True, compares=compares, workers=workers)
    told = json.loads(capsys.readouterr().out)
    assert (code == 0) == (told["findings"] == [])
    return Replayed(code, told)
