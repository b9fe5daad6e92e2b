"""Questions about the measurements of one child: a list of them, or one."""

from datetime import datetime
from enum import Enum
from typing import ClassVar

from msgspec import Struct

from application.queries.query import Paging, Query


class Operator(Enum):
    """How a member is compared; the value is the SQL of it."""

    EQ = "="
    NE = "<>"
    GT = ">"
    GTE = ">="
    LT = "<"
    LTE = "<="
    LIKE = "like"
    UNLIKE = "not like"


class Condition(Struct, frozen=True):
    """`operand` has the type of the member; for LIKE it is text in which `*` stands for any."""

    member: str
    operator: Operator
    operand: datetime | float | str


class Order(Struct, frozen=True):
    member: str
    descending: bool


class ReadMeasurements(Query, frozen=True, kw_only=True):
    """Those of a kind for which one condition of each group holds. Latest recorded first, unless ordered otherwise."""

    name: ClassVar[str] = "read_measurements"

    child_id: str
    kind: str
    conditions: tuple[tuple[Condition, ...], ...] = ()
    order: tuple[Order, ...] = ()
    paging: Paging = Paging()


class MeasurementRow(Struct, frozen=True):
    """One measurement that is there. `companion_value` is None where nothing travelled with it."""

    id: str
    taken_at: datetime
    value: float
    unit: str
    companion_value: float | None
