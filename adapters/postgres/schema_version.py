"""Compares the schema of a database with the one that this version needs, by the numbers of the migrations."""

from collections.abc import Collection

from msgspec import Struct


class Schema(Struct, frozen=True):
    """`is_newer`: a later version has changed the schema, so this one must not use it. `what`: describes the state."""

    is_current: bool
    is_newer: bool
    what: str


def schema_of(applied: Collection[str], known: Collection[str]) -> Schema:
    """The state of a schema, from the file names of the applied migrations and of those that this version knows."""
    here, latest = _number(max(applied, default="")), _number(max(known))
    if set(applied) - set(known):
        what = f"the schema is at {here}, this version knows {latest}: run the newer version"
        return Schema(is_current=False, is_newer=True, what=what)
    if not applied:
        return Schema(is_current=False, is_newer=False, what="there is no schema: run growthrings prepare")
    if set(known) - set(applied):
        what = f"the schema is at {here}, this version needs {latest}: run growthrings prepare"
        return Schema(is_current=False, is_newer=False, what=what)
    return Schema(is_current=True, is_newer=False, what=f"at {here}, as this version needs")


def _number(name: str) -> str:
    return name.partition("_")[0]
