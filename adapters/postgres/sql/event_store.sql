-- name: partitions
select count(*) from heads;

-- name: lock
-- A statement of its own, because a transaction that waits here must not have read anything yet. The order ensures that
-- two batches with common partitions cannot deadlock.
select part from heads where part = any (%(parts)b::smallint[]) order by part for update;

-- name: lock_if_free
select part from heads where part = any (%(parts)b::smallint[]) order by part for update skip locked;

-- name: terminate_stalled
-- The row of a partition is never updated, so its xmax is the transaction that has locked it. A session that waits for
-- its client has done nothing since its state changed. The termination is in the column list, because as a condition it
-- might be evaluated before the others.
select a.pid, a.application_name, extract(epoch from clock_timestamp() - a.state_change)::float8,
    pg_terminate_backend(a.pid, 1000)
from heads h
join pg_stat_activity a on a.backend_xid = h.xmax
where h.part = any (%(parts)b::smallint[])
    and a.usename = current_user
    and a.wait_event_type = 'Client'
    and a.state_change < clock_timestamp() - %(seconds)s * interval '1 second';

-- name: ends
-- The last event of each partition, and the time of the database's clock.
select l.part, coalesce(e.seq, 0), e.state, clock_timestamp()
from unnest(%(parts)b::smallint[]) as l (part)
left join lateral (
    select e.seq, e.state from events e where e.part = l.part order by e.seq desc limit 1
) e on true;

-- name: histories
select e.originator_id, e.topic, e.state
from unnest(%(parts)b::smallint[], %(streams)b::text[]) as s (part, stream)
join events e on e.part = s.part and e.originator_id = s.stream
order by e.originator_id, e.originator_version;

-- name: append
insert into events (part, seq, originator_id, originator_version, topic, state)
select * from unnest(%b::smallint[], %b::bigint[], %b::text[], %b::integer[], %b::text[], %b::bytea[]);

-- name: state_at
select state from events where part = %(part)s and seq = %(seq)s;

-- name: stream
-- The events of one aggregate. A bound that is null does not limit.
select originator_id, originator_version, topic, state from events
where part = %(part)s and originator_id = %(originator_id)s
    and (%(gt)s::integer is null or originator_version > %(gt)s)
    and (%(lte)s::integer is null or originator_version <= %(lte)s)
order by originator_version
limit %(limit)s;

-- name: stream_descending
select originator_id, originator_version, topic, state from events
where part = %(part)s and originator_id = %(originator_id)s
    and (%(gt)s::integer is null or originator_version > %(gt)s)
    and (%(lte)s::integer is null or originator_version <= %(lte)s)
order by originator_version desc
limit %(limit)s;

-- name: after
-- The events that a reader of one partition has not seen yet. Positions have no gaps, so it cannot miss any.
select seq, originator_id, originator_version, topic, state from events
where part = %(part)s and seq > %(seq)s
order by seq
limit %(limit)s;
