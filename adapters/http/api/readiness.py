"""Readiness: the checks behind `/health/live` and `/health/ready`."""

from typing import Any

from msgspec import Struct

from adapters.http.edge.draining import Draining
from adapters.limits.limiter import Limiter
from adapters.postgres.health_probe import PROBE_TIMEOUT, HealthProbe, HealthSnapshot
from application.queries.views import ViewStatus
from application.writer import Writer

STUCK = 10.0
"""Seconds after which a running batch counts as stuck: a batch that is only slow has ended by then."""

TRIED = 5.0
"""Seconds for which a failed batch makes the writer not ready; after that requests must come for it to try again."""

LIMITS = {
    None: "counted by this process",
    True: "counted in Redis, by all processes",
    False: "counted by this process, because Redis is not reachable",
}


class Check(Struct, frozen=True):
    """The result of a check. `what` describes it, without addresses and personal data."""

    ok: bool
    what: str


class ViewCheck(Check, frozen=True):
    events_behind: int
    seconds_behind: float
    parked_streams: int


class Health(Struct, frozen=True):
    """`allowed_lag`: seconds that a live view may be behind and still count as ready."""

    probe: HealthProbe
    writer: Writer
    limiter: Limiter
    draining: Draining
    allowed_lag: float

    def readiness(self, snapshot: HealthSnapshot) -> tuple[bool, dict[str, Any]]:
        """Whether requests can be answered, and the results of all checks. Some need attention, but do not affect
        readiness."""
        needed = {
            "database": _database(snapshot),
            "schema": Check(snapshot.is_schema_current, snapshot.schema),
            "writer": self.of_writer(),
            "draining": self._draining(),
        }
        parked = sum(each.parked_streams for each in snapshot.live)
        informative = {
            "projector": _projector(snapshot),
            "parked": Check(parked == 0, f"{parked:,} streams are parked"),
            "limits": Check(self.limiter.shared is not False, LIMITS[self.limiter.shared]),
        }
        views = {each.view: self._view(each) for each in snapshot.live}
        is_ready = all(check.ok for check in (*needed.values(), *views.values()))
        return is_ready, {
            "status": "ready" if is_ready else "not ready",
            "log": "reachable" if snapshot.is_reachable else "unreachable",
            "checks": needed | informative,
            "views": views,
        }

    @property
    def is_live(self) -> bool:
        """False when only a restart can help: the writer has ended, or does not end a batch that was given up."""
        return self.writer.is_alive and self.writer.given_up_for < STUCK

    def of_writer(self) -> Check:
        if not self.writer.is_alive:
            return Check(False, "its thread has ended")
        queue = f"queue {self.writer.queued:,} of {self.writer.queue_size:,}"
        busy_for, idle_for = self.writer.busy_for, self.writer.idle_for
        if self.writer.given_up_for >= STUCK:
            return Check(False, f"does not end a batch that was given up {self.writer.given_up_for:.1f} s ago")
        if busy_for is not None:
            return Check(busy_for < STUCK, f"writing a batch for {busy_for:.1f} s, {queue}")
        if idle_for is None:
            return Check(True, f"no batch yet, {queue}")
        if self.writer.last_batch_failed and idle_for < TRIED:
            return Check(False, f"nothing of its last batch could be stored, {idle_for:.1f} s ago, {queue}")
        return Check(True, f"last batch {idle_for:.1f} s ago, {queue}")

    def _draining(self) -> Check:
        in_flight = f"{self.draining.in_flight:,} requests in flight"
        return Check(
            not self.draining.begun, f"this process is ending, {in_flight}" if self.draining.begun else in_flight
        )

    def _view(self, view: ViewStatus) -> ViewCheck:
        is_near = view.lag_seconds <= self.allowed_lag
        what = f"{view.lag_seconds:.1f} s behind, {view.lag_events:,} events; allowed: {self.allowed_lag:g} s"
        return ViewCheck(is_near, what, view.lag_events, view.lag_seconds, view.parked_streams)


def _database(snapshot: HealthSnapshot) -> Check:
    if snapshot.is_reachable:
        return Check(True, f"answered in {snapshot.seconds * 1_000:.0f} ms")
    return Check(False, f"no answer within {PROBE_TIMEOUT:g} s")


def _projector(snapshot: HealthSnapshot) -> Check:
    alone = [each.view for each in snapshot.live if not each.workers]
    kept = ", ".join(f"{each.view} by {len(each.workers)}" for each in snapshot.live)
    return Check(not alone, f"no projector works on {', '.join(alone)}" if alone else f"workers: {kept or 'unknown'}")
