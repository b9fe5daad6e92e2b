"""Queries for the measurements of one child."""

from datetime import datetime
from enum import Enum
from typing import ClassVar

from msgspec import Struct

from application.queries.query import Paging, Query


class Operator(Enum):
    """How a member is compared. The value is the operator in SQL."""

    EQ = "="
    NE = "<>"
    GT = ">"
    GTE = ">="
    LT = "<"
    LTE = "<="
    LIKE = "like"
    UNLIKE = "not like"


class Condition(Struct, frozen=True):
    """`operand` has the type of the member; for LIKE it is a text in which `*` matches any characters."""

    member: str
    operator: Operator
    operand: datetime | float | str


class Order(Struct, frozen=True):
    member: str
    descending: bool


class ReadMeasurements(Query, frozen=True, kw_only=True):
    """Measurements of one kind for which, in each tuple of `conditions`, at least one holds. Without `order` the latest
    recorded come first."""

    name: ClassVar[str] = "read_measurements"

    child_id: str
    kind: str
    conditions: tuple[tuple[Condition, ...], ...] = ()
    order: tuple[Order, ...] = ()
    paging: Paging = Paging()


class MeasurementRow(Struct, frozen=True):
    """`companion_value` is None if the measurement was sent without a companion."""

    id: str
    taken_at: datetime
    value: float
    unit: str
    companion_value: float | None
