"""The outcome that an import goes to: the one that is there, or a new one."""

from collections.abc import Iterator
from urllib.parse import urlencode

from msgspec import Struct

from adapters.cli.importing.retrying_client import RetryingClient, checked

OUTCOMES = "/v1/outcomes"

PAGE = 1_000
"""Outcomes of one request, as many as there can be."""


class Target(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The outcome that the entries go to, as it is created where it is not there."""

    name: str
    brand_id: str
    metric_key: str
    unit: str | None = None
    direction: str | None = None


class OutcomeInfo(Struct, frozen=True):
    id: str
    name: str
    unit: str | None
    direction: str


class _OutcomePage(Struct, frozen=True):
    outcomes: list[OutcomeInfo]


def outcome_of(client: RetryingClient, target: Target) -> OutcomeInfo:
    """The outcome, which is created where it is not there yet. ServiceFailed."""
    found = _find(client, target)
    if found is not None:
        return found
    created = client.ask("POST", OUTCOMES, target)
    if created.status_code == 409:  # by somebody else, just now
        found = _find(client, target)
    return found or checked(created, 201, OutcomeInfo)


def _find(client: RetryingClient, target: Target) -> OutcomeInfo | None:
    offset = 0
    while True:
        asked = {"brand_id": target.brand_id, "metric_key": target.metric_key, "limit": PAGE, "offset": offset}
        page = checked(client.ask("GET", f"{OUTCOMES}?{urlencode(asked)}"), 200, _OutcomePage).outcomes
        found = next((outcome for outcome in page if outcome.name == target.name), None)
        if found is not None or len(page) < PAGE:
            return found
        offset += PAGE


def kept_settings(outcome: OutcomeInfo, target: Target) -> Iterator[str]:
    """What an outcome that was there already has otherwise than it would have been created."""
    for name in ("unit", "direction"):
        wanted, kept_settings = getattr(target, name), getattr(outcome, name)
        if wanted not in (None, kept_settings):
            yield f"The outcome is there already, and keeps its {name}: {kept_settings}, not {wanted}."
