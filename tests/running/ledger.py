"""Clients that write down what they were told, to hold it against what is there in the end."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count

import httpx
import psycopg

from tests.acceptance.client import WEIGHT
from tests.running.programme import client, instant, readings


@dataclass
class Ledger:
    """Arrays of a weight and of one that no child has, posted for one child by several clients until the block ends.

    `recorded`: the ids that were acknowledged. `refused`: the instants of what was refused, and may not be there.
    `put_off`: those of what was answered 503, which is there only where the database went away at its commit; `listed`:
    those of what was there in the end.
    `times`: seconds that each answer took.
    """

    url: str
    token: str
    child_id: str
    recorded: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    put_off: list[str] = field(default_factory=list)
    listed: set[str] = field(default_factory=set)
    times: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    _ended: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def kept(self, clients: int = 2) -> Iterator[None]:
        self._ended.clear()
        threads = [threading.Thread(target=self._post) for _ in range(clients)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._ended.set()
            for thread in threads:
                thread.join()

    def goes_on(self) -> bool:
        """Whether something was acknowledged since this was asked last."""
        before, self._before = self._before, len(self.recorded)
        return len(self.recorded) > before

    _before: int = 0

    def _post(self) -> None:
        with client(self.url, self.token) as api:
            while not self._ended.wait(0.02):
                wrong = {"timestamp": instant(), "value": -1, "unit": "kg"}
                right = readings(1)[0]
                answer = api.post(WEIGHT.path(self.child_id), [right, wrong])
                self.statuses[answer.status_code] += 1
                self.times.append(answer.elapsed.total_seconds())
                if answer.status_code == httpx.codes.MULTI_STATUS:
                    self.recorded += [each["item"]["id"] for each in answer.json()["success"]]
                    self.refused += [each["item"]["timestamp"] for each in answer.json()["error"]]
                else:
                    self.put_off.append(right["timestamp"])

    def agrees_with_what_is_there(self, url: str) -> bool:
        """Whether all that was acknowledged is listed, exactly once, and nothing that was refused; and all that is
        listed stands in the log of the database, once."""
        listed = []
        with client(self.url, self.token) as api:
            for page in count(1):
                items = WEIGHT.listed(api, self.child_id, f"limit=1000&page={page}")
                listed += items
                if len(items) < 1000:
                    break
        ids = Counter(item["id"] for item in listed)
        instants = Counter(item["timestamp"] for item in listed)
        assert set(self.recorded) <= set(ids)
        assert {1} == set(ids.values()) == set(instants.values())
        assert not instants.keys() & set(self.refused)
        self.listed = set(instants)
        with psycopg.connect(url) as connection:
            rows = connection.execute(
                "select count(*) from events where split_part(originator_id, '/', 2) = any(%s)", [list(ids)]
            ).fetchall()
        assert [(len(ids),)] == rows
        return True
