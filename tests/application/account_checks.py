"""Compares the accounts of a log with those of the model: names, histories, the directory, and rows of PostgreSQL."""

from typing import Any

from msgspec.structs import replace
from psycopg import Connection

from application.ports import UserRow
from domain import group, institution, user
from tests.application.account_strategies import AccountCommands
from tests.application.conftest import AnyLog
from tests.application.stored_events import look_up

TABLES = {
    "users": "select id, role, username, password_hash, institution_id, password_changes from users"
    " where id = any (%(people)s)",
    "institutions": "select id, name from institutions where id = any (%(institutions)s)",
    "groups": "select id, owner_id, name, school_class from groups where owner_id = any (%(people)s)",
    "ties": "select owner_id, group_id, child_id from ties where owner_id = any (%(people)s)"
    " or child_id = any (%(people)s)",
}


def check_accounts(log: AnyLog, drawn: AccountCommands, session: Connection[Any] | None) -> None:
    """AssertionError if the log and the model differ. `session`: a second session with the database of the log, if it
    has one."""
    check_known(log, drawn)
    check_histories(log, drawn)
    if session is not None:
        check_rows(session, drawn)


def check_known(log: AnyLog, drawn: AccountCommands) -> None:
    """Compare what the next command would look up."""
    accounts, people = drawn.accounts, [drawn.admin, *drawn.people]
    pairs = {(owner.id, child.id) for owner in people for child in people if child.role == "child"}
    usernames = {user.key(f"{drawn.prefix} {number}"): f"{drawn.prefix} {number}" for number in range(9)}
    schools = {institution.key(f"{drawn.prefix} {number}"): f"{drawn.prefix} {number}" for number in range(3)}
    names = {group.key(person.id, name): (person.id, name) for person in people for name in "abc"}
    known = look_up(
        log,
        users={person.id for person in people},
        institutions=set(drawn.institutions),
        members=set(drawn.institutions),
        links=pairs,
        keys={*usernames, *schools, *names},
    )
    there = {id: UserRow(it.role, it.institution_id, it.password_changes) for id, it in accounts.users.items()}
    rows = {person.id: row for person in people if (row := known.user(person.id))}
    assert there == {id: replace(row, password_changed_at=None) for id, row in rows.items()}
    assert all((row.password_changes > 0) == (row.password_changed_at is not None) for row in rows.values())
    assert accounts.institutions.keys() == {id for id in drawn.institutions if known.has_institution(id)}
    assert [accounts.members(id) for id in drawn.institutions] == [known.members(id) for id in drawn.institutions]
    assert {(owner, child) for owner, _, child in accounts.links} == {pair for pair in pairs if known.is_linked(*pair)}
    called = {account.username: user.stream_of(id) for id, account in accounts.users.items()}
    assert [called.get(name) for name in usernames.values()] == [known.holder(key) for key in usernames]
    schooled = {name: institution.stream_of(id) for id, name in accounts.institutions.items()}
    assert [schooled.get(name) for name in schools.values()] == [known.holder(key) for key in schools]
    grouped = {(it.owner_id, it.name): group.stream_of(id) for id, it in accounts.groups.items()}
    assert [grouped.get(name) for name in names.values()] == [known.holder(key) for key in names]


def check_histories(log: AnyLog, drawn: AccountCommands) -> None:
    """Compare the states of users and groups after their events."""
    accounts = drawn.accounts
    people = {person.id: user.stream_of(person.id) for person in drawn.people}
    groups = {id: group.stream_of(id) for _, id in drawn.groups}
    known = look_up(log, histories={*people.values(), *groups.values()})
    for id, stream in people.items():
        there, account = user.fold(known.history(stream)), accounts.users.get(id)
        assert (account is None) == (there is None)
        assert account is None or account.password_hash == getattr(there, "password_hash", None)
    for id, stream in groups.items():
        last, expected = group.fold(known.history(stream)), accounts.groups.get(id)
        if expected is not None:
            assert last is not None
            children = {child_id for child_id in last.children if accounts.is_child(child_id)}
            assert (expected.name, expected.children, expected.school_class) == (last.name, children, last.school_class)


def check_rows(session: Connection[Any], drawn: AccountCommands) -> None:
    """Compare the rows of the directory."""
    accounts = drawn.accounts
    asked = {
        "people": [person.id for person in (drawn.admin, *drawn.people)],
        "institutions": drawn.institutions,
    }
    expected: dict[str, set[tuple[Any, ...]]] = {
        "users": {
            (id, it.role, it.username, it.password_hash, it.institution_id, it.password_changes)
            for id, it in accounts.users.items()
        },
        "institutions": set(accounts.institutions.items()),
        "groups": {(id, it.owner_id, it.name, it.school_class) for id, it in accounts.groups.items()},
        "ties": accounts.links,
    }
    for table, question in TABLES.items():
        rows = session.execute(question.encode(), asked).fetchall()
        assert (table, sorted(expected[table], key=repr)) == (table, sorted(rows, key=repr))
