-- name: snapshot
-- A partition is compared in one snapshot.
set transaction isolation level repeatable read;

-- name: time_zone
-- psycopg reads times in UTC fastest.
set local time zone 'UTC';

-- name: events_after
-- The next events of a partition. A page ends at the limit of events, or with the event that reaches the limit of bytes.
select p.seq, p.originator_id, p.originator_version, p.topic, p.state
from (
    select e.seq, e.originator_id, e.originator_version, e.topic, e.state,
        sum(octet_length(e.state)) over (rows between unbounded preceding and 1 preceding) as before
    from (
        select e.seq, e.originator_id, e.originator_version, e.topic, e.state from events e
        where e.part = %(part)s and e.seq > %(after)s
        order by e.seq
        limit %(limit)s
    ) e
) p
where coalesce(p.before, 0) < %(bytes)s;

-- name: event_count
select count(*) from events;
