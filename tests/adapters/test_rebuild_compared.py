"""A rebuild that finds other rows than those that serve says which, and leaves it to the operator."""

from collections.abc import Callable, Iterator
from typing import Any, LiteralString

import pytest
from psycopg import sql
from psycopg.sql import Identifier

from adapters.postgres import embedded
from projections.rebuild.comparison import SHOWN, Difference
from tests.adapters.rebuilding import EVERYTHING, Copy, everything, filled, grown

OTHERWISE = {
    "text": "coalesce({}, '') || 'x'",
    "bytea": "{} || 'x'",
    "smallint": "{} + 1000",
    "integer": "{} + 100000",
    "bigint": "{} + 100000",
    "numeric": "{} + 1",
    "double precision": "coalesce({}, 0) + 1",
    "timestamp with time zone": "coalesce({}, '2000-01-01Z') + interval '1 day'",
    "date": "{} + 1000",
    "jsonb": "jsonb_build_object('was', {})",
}
"""What makes another value of one, by its type."""

COLUMNS = """
select a.attname, format_type(a.atttypid, null), a.attnum = any (i.indkey)
from pg_attribute a
join pg_index i on i.indrelid = a.attrelid and i.indisprimary
where a.attrelid = %s::regclass and a.attnum > 0
order by a.attnum
"""


@pytest.fixture
def copy(server: embedded.Server, new_database: Callable[..., str]) -> Iterator[Copy]:
    with filled(server.url, new_database).copy() as copy:
        yield copy


class Serving:
    """A table that serves, and what somebody does to a row of it by hand: the key of that row is returned."""

    def __init__(self, copy: Copy, oid: int) -> None:
        self._copy = copy
        self._table = sql.SQL(copy.ask("select %s::regclass::text", oid)[0][0])
        columns = copy.ask(COLUMNS, oid)
        self._types = {name: type for name, type, _ in columns}
        self._keys = [name for name, _, is_key in columns if is_key]
        self._others = [name for name, _, is_key in columns if not is_key]

    def change(self) -> dict[str, Any] | None:
        """None where there is nothing but the key."""
        if not self._others:
            return None
        return self._do(
            "update {table} set {column} = {otherwise} where ctid = (select ctid from {table} limit 1)",
            self._others[-1],
        )

    def remove(self) -> dict[str, Any]:
        return self._do("delete from {table} where ctid = (select ctid from {table} limit 1)", self._keys[-1])

    def add(self) -> dict[str, Any]:
        return self._do("insert into {table} ({all}) select {all_otherwise} from {table} limit 1", self._keys[-1])

    def _do(self, statement: LiteralString, column: str) -> dict[str, Any]:
        """`column` is the one that is made another where the statement says so."""
        otherwise = sql.SQL(OTHERWISE[self._types[column]]).format(Identifier(column))
        names = {name: Identifier(name) for name in self._types}
        parts = {
            "table": self._table,
            "column": Identifier(column),
            "otherwise": otherwise,
            "all": sql.SQL(", ").join(names.values()),
            "all_otherwise": sql.SQL(", ").join((names | {column: otherwise}).values()),
            "key": sql.SQL(", ").join(names[key] for key in self._keys),
        }
        doing = sql.SQL("with t as (" + statement + " returning {key}) select to_jsonb(t) from t").format(**parts)
        ((key,),) = self._copy.ask(doing)
        return dict(key)


def found_by(copy: Copy, name: str) -> list[Difference]:
    """What a rebuild finds that goes no further."""
    with copy.session() as session:
        going = grown(session, name)
        return [each for part in going.compare(copy.connect) for each in part]


@pytest.mark.parametrize("sort", ["change", "remove", "add"])
@everything
def test_a_rebuild_names_rows_that_differ_from_the_log_and_does_not_switch(
    copy: Copy, name: str, sort: str, capsys: pytest.CaptureFixture[str]
) -> None:
    true, tables = copy.rows(name), copy.serving(name)
    done = {table: getattr(Serving(copy, oid), sort)() for table, oid in tables.items()}
    done = {table: key for table, key in done.items() if key is not None}
    false = copy.rows(name)
    found = found_by(copy, name)
    assert done == {each.table: each.key for each in found}
    assert {1} == {each.of for each in found}
    how = {"change": "changed", "remove": "added", "add": "missing"}[sort]
    assert {how} == {each.how for each in found}
    for each in found:
        for old, new in each.columns.values():
            assert {"changed": old != new, "added": old is None, "missing": new is None}[how] or old == new == "…"
    capsys.readouterr()
    assert 1 == copy.rebuild(name)
    told = capsys.readouterr().out
    for each in found:
        assert f"{each.table}  {' '.join(map(str, each.key.values()))}  {how}" in told
    assert f"{name}: {len(done)} rows differ." in told
    assert f"{name}: not switched" in told
    assert (tables, false) == (copy.serving(name), copy.rows(name))
    assert 0 == copy.rebuild(name, accept_differences=True)
    assert true == copy.rows(name)
    assert not set(tables.values()) & set(copy.serving(name).values())


def test_no_password_hash_is_shown(copy: Copy, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither a changed hash, nor that of an additional or missing user."""
    for statement in (
        "update users set password_hash = 'changed secret' where id = (select min(id) from users)",
        "insert into users select 'f' || id, role, username, 'added secret', institution_id, profile"
        " from users limit 1",
        "delete from users where id = (select max(id) from users where password_hash = 'hash')",
    ):
        copy.ask(statement)
    hashes = {hash for (hash,) in copy.ask("select distinct password_hash from users")}
    assert len(hashes) > 2
    found = [each for each in found_by(copy, "directory") if each.table == "users"]
    assert [3, 3, 3] == [each.of for each in found]
    assert [("…", "…")] * 3 == [each.columns["password_hash"] for each in found]
    assert 1 == copy.rebuild("directory")
    told = capsys.readouterr()
    assert "password_hash: … → …" in told.out
    assert [] == [hash for hash in hashes if f"{hash} " in told.out + told.err or f" {hash}" in told.out + told.err]


def test_a_rebuild_shows_at_most_ten_differences_and_counts_all(copy: Copy, capsys: pytest.CaptureFixture[str]) -> None:
    copy.ask("update measurements_g1 set value = value + 1")
    ((count,),) = copy.ask("select count(*) from measurements_g1")
    assert count > SHOWN
    assert 1 == copy.rebuild("measurements")
    told = capsys.readouterr().out
    assert 10 == sum(line.startswith("measurements  ") for line in told.splitlines())
    assert f"measurements: {count:,} rows differ." in told


def test_a_rebuild_shows_the_first_differences_by_key(copy: Copy) -> None:
    """Two comparisons of the same rows have the same output."""
    copy.ask("update measurements_g1 set value = value + 1")
    found = [list(each.key.values()) for each in found_by(copy, "measurements")]
    ranked = """
    select part, child_id, kind, id, row_number() over (partition by part order by child_id, kind, id) as place
    from measurements_g1 order by 1, 2, 3, 4
    """
    assert [key for *key, place in copy.ask(ranked) if place <= SHOWN] == found


def test_an_undamaged_database_has_no_differences(copy: Copy) -> None:
    for name in EVERYTHING:
        assert [] == found_by(copy, name)
