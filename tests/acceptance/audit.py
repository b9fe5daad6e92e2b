"""What the tests of the audit share: the trail page by page, and what is kept of one aggregate."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from tests.acceptance.client import Api, Body, shown
from tests.acceptance.outcomes import query

EVENTS = "/v1/audit/events"
STREAMS = "/v1/audit/streams"


def page(api: Api, **parameters: str | int) -> Body:
    """One page of the trail; `from_` is the parameter `from`."""
    return shown(api.get(query(EVENTS, **parameters)))


def pages(api: Api, **parameters: str | int) -> Iterator[Body]:
    """Page by page, up to the first that has nothing."""
    while True:
        told = page(api, **parameters)
        yield told
        if not told["events"]:
            return
        parameters["after"] = told["next"]


def trail(api: Api, **parameters: str | int) -> list[Body]:
    """All that there is, in the order of the pages."""
    return [event for told in pages(api, **{"limit": 1_000} | parameters) for event in told["events"]]


def end(api: Api, after: str) -> str:
    """A cursor behind all that there is after another; that may be empty."""
    *_, last = pages(api, limit=1_000, **{"after": after} if after else {})
    return str(last["next"])


def exactly(text: str) -> datetime:
    """A time of recording, which has microseconds."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ")  # noqa: DTZ007  # compared with its like only


def exact(time: datetime) -> str:
    """A time as it is asked for to the microsecond."""
    return f"{time.isoformat(timespec='microseconds')}Z"


def facts(api: Api, id: str) -> list[Body]:
    """The facts of one aggregate, in order."""
    told = shown(api.get(f"{STREAMS}/{id}"))
    assert {"id", "stream", "facts"} == told.keys()
    assert (id, id) == (told["id"], told["stream"].partition("/")[2])
    versions = [fact["version"] for fact in told["facts"] if fact["stream"] == told["stream"]]
    assert list(range(1, len(versions) + 1)) == versions
    return list(told["facts"])


def state(api: Api, id: str, **times: str) -> Body:
    """The state of one aggregate, `as_of` one time and `known_at` another."""
    told = shown(api.get(query(f"{STREAMS}/{id}/state", **times)))
    assert {"id", "stream", "as_of", "known_at", "version", "state"} == told.keys()
    return told


@dataclass(frozen=True)
class Marked:
    """The trail from a moment on."""

    api: Api
    after: str

    @staticmethod
    def now(api: Api) -> "Marked":
        return Marked(api, end(api, ""))

    def later(self) -> "Marked":
        """Now; what came before the mark is not read again."""
        return Marked(self.api, end(self.api, self.after))

    def new(self, **parameters: str | int) -> list[Body]:
        return trail(self.api, after=self.after, **parameters)
