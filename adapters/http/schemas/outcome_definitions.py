"""Definitions of outcomes: parses a definition or a change of one, and renders them for responses."""

from typing import Any

from msgspec import UNSET, Raw, Struct

from adapters import times
from adapters.http.schemas import members
from adapters.http.schemas.members import Members
from application.commands.revise_outcome import OutcomeChange
from application.queries.outcomes import OutcomeRow
from domain.outcome import DIRECTIONS, HIGHER, Definition
from domain.refusal import Refusal, without_frames

REQUIRED = ("name", "brand_id", "metric_key")


class OutcomeItem(Struct, frozen=True):
    """An outcome in a response, always with all members."""

    id: str
    name: str
    description: str | None
    brand_id: str
    metric_key: str
    unit: str | None
    direction: str
    created_by: str
    created_at: str
    updated_at: str


def item(row: OutcomeRow) -> OutcomeItem:
    return OutcomeItem(
        row.id,
        row.name,
        row.description,
        row.brand_id,
        row.metric_key,
        row.unit,
        row.direction,
        row.created_by,
        times.render(row.created_at),
        times.render(row.updated_at),
    )


def read(sent: dict[str, Raw]) -> Definition | Refusal:
    """The definition of one element, or its Refusal."""
    try:
        found = members.read(sent, REQUIRED)
        return Definition(
            name=found.text("name"),
            brand_id=found.text("brand_id"),
            metric_key=found.text("metric_key"),
            description=found.optional_text("description"),
            unit=found.optional_text("unit"),
            direction=found.choice("direction", DIRECTIONS) if "direction" in found else HIGHER,
        )
    except Refusal as refusal:
        return without_frames(refusal)


def read_change(sent: Members) -> OutcomeChange:
    """The members to change. Brand and metric never change."""
    return OutcomeChange(
        name=sent.text("name") if "name" in sent else UNSET,
        description=sent.text("description", least=0) if "description" in sent else UNSET,
        unit=sent.text("unit", least=0) if "unit" in sent else UNSET,
        direction=sent.choice("direction", DIRECTIONS) if "direction" in sent else UNSET,
    )


def render_rejected(definition: Definition) -> dict[str, Any]:
    """A definition that was rejected."""
    return {
        "name": definition.name,
        "description": definition.description,
        "brand_id": definition.brand_id,
        "metric_key": definition.metric_key,
        "unit": definition.unit,
        "direction": definition.direction,
    }
