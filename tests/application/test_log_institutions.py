"""Lookups of institutions and the number of their users, within a batch and in the next."""

from application.ports import Reads
from domain import institution
from tests.application.conftest import AnyLog
from tests.application.stored_events import (
    a_user,
    an_institution,
    holder,
    look_up,
    parts_of,
    store,
    take_in,
    the_removal_of,
)
from tests.examples import institution_removed, new_id


def test_users_of_an_institution_are_counted_within_a_batch_and_by_the_next(log: AnyLog) -> None:
    school, other = new_id(), new_id()
    first, second, elsewhere, nowhere = (new_id() for _ in range(4))
    events = [
        an_institution(school),
        an_institution(other),
        a_user(first, institution_id=school),
        a_user(second, institution_id=school),
        a_user(elsewhere, institution_id=other),
        a_user(nowhere, institution_id=None),
    ]
    known = log.begin(parts_of(log, events), ())
    log.load(known, Reads(members={school}, users={first, nowhere}))
    assert 0 == known.members(school)
    counted = []
    for event in (*events, the_removal_of(nowhere), the_removal_of(first)):
        take_in(known, event)
        counted.append(known.members(school))
    assert [0, 0, 1, 2, 2, 2, 2, 1] == counted
    log.append(known)
    log.commit(known)
    found = look_up(log, members={school, other, nowhere})
    assert [1, 1, 0] == [found.members(id) for id in (school, other, nowhere)]


def test_removed_users_of_an_institution_are_no_longer_counted(log: AnyLog) -> None:
    school, *children = (new_id() for _ in range(4))
    store(log, an_institution(school), *(a_user(child, institution_id=school) for child in children))
    removals = [the_removal_of(child) for child in children]
    known = log.begin(parts_of(log, removals), ())
    log.load(known, Reads(members={school}, users=set(children)))
    counted = []
    for removal in removals:
        counted.append(known.members(school))
        take_in(known, removal)
    log.rollback()
    assert ([3, 2, 1], 0) == (counted, known.members(school))
    assert 3 == look_up(log, members={school}).members(school)


def test_a_removed_institution_does_not_exist_and_frees_its_name(log: AnyLog) -> None:
    school = new_id()
    removed = institution_removed(originator_id=institution.stream_of(school), institution_id=school, name=school)
    store(log, an_institution(school))
    known = log.begin(parts_of(log, [removed]), ())
    log.load(known, Reads(institutions={school}))
    assert known.has_institution(school)
    take_in(known, removed)
    assert not known.has_institution(school)
    log.append(known)
    log.commit(known)
    assert not look_up(log, institutions={school}).has_institution(school)
    assert None is holder(log, institution.key(school))


def test_an_institution_registered_and_removed_within_a_batch_leaves_nothing(log: AnyLog) -> None:
    school = new_id()
    removed = institution_removed(originator_id=institution.stream_of(school), institution_id=school, name=school)
    store(log, an_institution(school), removed)
    assert not look_up(log, institutions={school}).has_institution(school)
    assert None is holder(log, institution.key(school))
