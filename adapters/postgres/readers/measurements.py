"""Queries about measurements. They include every event of the child acknowledged before the query."""

from collections.abc import Sequence
from datetime import UTC
from functools import partial
from typing import Any

from msgspec import Struct
from psycopg import sql

from adapters.postgres.query_pools import QueryPool
from adapters.postgres.readers import lists
from adapters.postgres.readers.actor import actor_row
from adapters.postgres.readers.freshness import ViewWait
from application import permissions
from application.ports import UserRow
from application.queries.measurements import (
    Condition,
    MeasurementRow,
    Operator,
    Order,
    ReadMeasurements,
)
from application.queries.query import Page
from domain.partition import partition
from projections import statements

SQL = statements.load(__file__, "measurements")

COLUMNS = {"timestamp": "taken_at", "value": "value", "unit": "unit", "id": "id"}
"""The column of the view for each member of a measurement."""

UNIT_LENGTH = 64
"""Characters of a unit that count for sorting: earlier versions stored units of any length."""

SORTED_BY = {"timestamp": "m.taken_at", "value": "m.value", "unit": f"left(m.unit, {UNIT_LENGTH})", "id": "m.id"}
"""The sort expression for each member of a measurement."""


class MeasurementsReader:
    def __init__(self, pool: QueryPool, partitions: int) -> None:
        self._pool = pool
        self._partitions = partitions

    async def measurements(self, query: ReadMeasurements) -> Page[MeasurementRow]:
        """One page. UserGone, Forbidden, ChildNotRegistered; Unavailable if the view stays behind."""
        statement, parameters = list_statement(query, self._partitions)
        wait = ViewWait(self._pool, "measurements")
        wanted: int | None = None
        while True:
            rows = await self._pool.rows(statement, parameters)
            found, child_role, linked, head, place = rows[0][:5]
            facts = _Facts(query.actor.id, actor_row(found), child_role, linked)
            permissions.check_child(query.name, query.actor, query.child_id, facts)
            if wanted is None:
                wanted = head
            if place >= wanted:
                return lists.page(query.paging, [row[5:] for row in rows], _row, partial(_key, query.order))
            await wait.pause(wanted - place)


def list_statement(query: ReadMeasurements, partitions: int) -> tuple[sql.Composed, dict[str, Any]]:
    """The statement for a query, and its parameters."""
    condition, operands = _where(query.conditions)
    keys = keys_of(query.order)
    conditions = {"condition": condition, "rest": lists.rest(query.paging, keys), "order": _order(keys)}
    return lists.with_list(SQL["measurements"], conditions), operands | {
        "actor_id": query.actor.id,
        "child_id": query.child_id,
        "kind": query.kind,
        "part": partition(query.child_id, partitions),
        **lists.parameters(query.paging),
    }


def _row(row: Sequence[Any]) -> MeasurementRow:
    id, taken_at, value, unit, companion_value = row
    return MeasurementRow(id, taken_at.astimezone(UTC), value, unit, companion_value)


def _key(order: Sequence[Order], row: MeasurementRow) -> tuple[Any, ...]:
    """The sort key of a row."""
    members: dict[str, Any] = {"timestamp": row.taken_at, "value": row.value, "unit": row.unit[:UNIT_LENGTH]}
    return (*(members[by.member] for by in order), row.id)


class _Facts(Struct):
    """What the permission check looks up, as read together with the rows."""

    actor_id: str
    actor: UserRow | None
    child_role: str | None
    is_linked_to_child: bool

    def user(self, user_id: str) -> UserRow | None:
        if user_id == self.actor_id:
            return self.actor
        return None if self.child_role is None else UserRow(self.child_role, None)

    def is_linked(self, owner_id: str, child_id: str) -> bool:
        return self.is_linked_to_child


def _where(groups: Sequence[Sequence[Condition]]) -> tuple[sql.Composable, dict[str, Any]]:
    """The conjunction of the groups, each of which is a disjunction; and their operands by parameter name."""
    operands: dict[str, Any] = {}
    return sql.SQL(" and ").join(
        (sql.SQL("true"), *(sql.SQL("({})").format(_any(group, operands)) for group in groups))
    ), operands


def _any(group: Sequence[Condition], operands: dict[str, Any]) -> sql.Composable:
    alternatives = []
    for condition in group:
        name = f"operand_{len(operands)}"
        matches = condition.operator in (Operator.LIKE, Operator.UNLIKE)
        operands[name] = _pattern(str(condition.operand)) if matches else condition.operand
        alternatives.append(
            sql.SQL("m.{} {} {}").format(
                sql.Identifier(COLUMNS[condition.member]), sql.SQL(condition.operator.value), sql.Placeholder(name)
            )
        )
    return sql.SQL(" or ").join(alternatives)


def _pattern(text: str) -> str:
    """The LIKE pattern for a text in which `*` matches any characters."""
    for special in ("\\", "%", "_"):
        text = text.replace(special, f"\\{special}")
    return text.replace("*", "%")


def keys_of(order: Sequence[Order]) -> lists.Keys:
    """The sort keys; among equal rows the one recorded last comes first."""
    return [(SORTED_BY[by.member], by.descending) for by in (*order, Order("id", descending=True))]


def _order(keys: lists.Keys) -> sql.Composable:
    return sql.SQL(", ").join(sql.SQL(f"{key} {'desc' if descends else 'asc'}") for key, descends in keys)
