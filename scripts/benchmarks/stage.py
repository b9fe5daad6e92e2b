"""The stage of a run: gives each contestant its turn, and counts what the service has acknowledged."""

from collections.abc import Callable

from msgspec import Struct, structs

from scripts.benchmarks import copy_peer, load, ours
from scripts.benchmarks.database import open_snapshot, stored
from scripts.benchmarks.load import Outcome

BARE, LIBRARY = "bare handler", "library"
ONE, ONE_SNAPSHOT = "one weight", "one weight, open snapshot"
ARRAYS, ARRAYS_SNAPSHOT = "arrays", "arrays, open snapshot"
COPY, COPY_MANY = "COPY", "COPY, connections at best"
CONTESTANTS = (BARE, ONE, ONE_SNAPSHOT, LIBRARY, ARRAYS, ARRAYS_SNAPSHOT, COPY, COPY_MANY)
ITEMS = 1000
"""Weights per array, and rows per COPY."""


class Options(Struct, frozen=True, kw_only=True):
    """The extent of the measurement; times in seconds."""

    rounds: int = 3
    rounds_before: int = 2
    """Rounds before the log grows: whatever they store has to be stored ten times."""
    seconds: float = 3.0
    warm_up: float = 0.6
    first_events: int = 50_000
    """The log holds so many before anything is measured."""


class Stage:
    """The ports of the contestants, and the numbers of weights and events that the service has acknowledged."""

    def __init__(self, options: Options, service: ours.Service, bare: int, library: int) -> None:
        self.options = options
        self.service = service
        self.bare = bare
        self.library = library
        self.series = 0
        self.weights = 0
        self.events = stored(service.conninfo)
        self.lags: list[float] = []
        """Seconds in which the projector caught up after arrays."""
        self.copy_pages = (0, 0)
        self.copy_rows = 0
        self.copy_connections = 1

    def turn(self, contestant: str) -> Outcome:
        """Measure a contestant once, and wait for the projector to catch up."""
        turns: dict[str, Callable[[], Outcome]] = {
            BARE: lambda: self.peer(self.bare),
            LIBRARY: lambda: self.peer(self.library),
            ONE: self.one,
            ONE_SNAPSHOT: lambda: self.beside_a_snapshot(self.one),
            ARRAYS: self.arrays,
            ARRAYS_SNAPSHOT: lambda: self.beside_a_snapshot(self.arrays),
            COPY: lambda: self.copy(1),
            COPY_MANY: lambda: self.copy(self.copy_connections),
        }
        outcome = turns[contestant]()
        lag = ours.catch_up(self.service)
        if contestant in (ARRAYS, ARRAYS_SNAPSHOT):
            self.lags.append(lag)
        return outcome

    def peer(self, port: int) -> Outcome:
        """Send one weight with a body fat per request to a peer."""
        return load.run(self.plan(port))

    def one(self) -> Outcome:
        """Send the same to the service, which stores two events per request."""
        outcome = load.run(self.plan(self.service.port))
        self.weights += outcome.accepted
        self.events += outcome.accepted * 2
        return outcome

    def arrays(self, requests: int | None = None) -> Outcome:
        """Send arrays of weights without body fat to the service: `requests` of them, or for the measured time."""
        plan = structs.replace(self.plan(self.service.port), items=ITEMS, connections=4)
        if requests is not None:
            plan = structs.replace(plan, requests=requests, warm_up=0, seconds=3600)
        outcome = load.run(plan)
        self.weights += outcome.accepted
        self.events += outcome.accepted
        return outcome

    def beside_a_snapshot(self, measure: Callable[[], Outcome]) -> Outcome:
        with open_snapshot(self.service.conninfo):
            return measure()

    def copy(self, connections: int) -> Outcome:
        """Copy the rows that arrays have added to the log."""
        enough = 100_000 * (self.options.seconds + self.options.warm_up)
        return copy_peer.run(
            copy_peer.Plan(
                conninfo=self.service.conninfo,
                pages=self.copy_pages,
                connections=connections,
                seconds=self.options.seconds,
                warm_up=self.options.warm_up,
                rows=int(min(enough, self.copy_rows)) // connections,
            )
        )

    def plan(self, port: int) -> load.Plan:
        self.series += 1
        return load.Plan(
            port=port,
            token=self.service.token,
            children=self.service.children,
            series=self.series,
            seconds=self.options.seconds,
            warm_up=self.options.warm_up,
        )
