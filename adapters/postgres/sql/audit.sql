-- name: events
-- What comes after a place in each partition, oldest first: a beginning of each partition's, so that none is passed over.
select a.part, a.seq, a.stream, a.version, a.name, a.event, a.happened_at, a.recorded_at, a.actor_id, a.actor_role,
    a.request_id, a.cause, a.subject_id, a.outcome_id
from unnest(%(parts)s::smallint[], %(seqs)s::bigint[]) as c (part, seq)
cross join lateral (
    select t.part, t.seq, t.stream, t.version, t.name, t.event, t.happened_at, t.recorded_at, t.actor_id, t.actor_role,
        t.request_id, t.cause, t.subject_id, t.outcome_id
    from audit_trail t
    where t.part = c.part and t.seq > c.seq and {condition}
    order by t.seq
    limit %(limit)s
) a
order by a.recorded_at, a.part, a.seq
limit %(limit)s;

-- name: streams
-- The streams that an id names.
select distinct t.part, t.stream from audit_trail t where t.name = %(id)s;

-- name: facts
select e.part, e.seq, e.topic, e.state from events e
where e.part = %(part)s and e.originator_id = %(stream)s
order by e.originator_version;

-- name: now
select clock_timestamp();

-- name: what_is_written
-- Waits for the group that is being written; any later one is recorded later.
select h.part from heads h where h.part = %(part)s for share;
