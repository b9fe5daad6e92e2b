-- name: events
-- The events after a position in each partition, oldest first. A page takes a prefix of each partition, so that no
-- event is skipped.
select p.of_page, p.part, p.seq, p.stream, p.version, p.name, p.event, p.happened_at, p.recorded_at, p.actor_id,
    p.actor_role, p.request_id, p.cause, p.subject_id, p.outcome_id
from (
    select p.*, {cut}
    from (
        select a.*, octet_length(a.subject_id) + octet_length(a.cause) + octet_length(a.request_id) as size
        from unnest(%(parts)s::smallint[], %(seqs)s::bigint[]) as c (part, seq)
        cross join lateral (
            select f.* from ({found}) f
            order by f.seq
            limit %(limit)s
        ) a
        order by a.recorded_at, a.part, a.seq
        limit %(limit)s
    ) p
) p
where p.before < %(bytes)s
order by p.recorded_at, p.part, p.seq;

-- name: found
-- The first rows of a partition that fulfil a condition. Several conditions are joined by `union`, so that each can use
-- its index; `or` would read all rows.
(
    select t.part, t.seq, t.stream, t.version, t.name, t.event, t.happened_at, t.recorded_at, t.actor_id,
        t.actor_role, t.request_id, t.cause, t.subject_id, t.outcome_id
    from audit_trail t
    where t.part = c.part and t.seq > c.seq and {condition}
    order by t.seq
    limit %(limit)s
)

-- name: streams
-- The streams that an id belongs to.
select distinct t.part, t.stream from audit_trail t where t.name = %(id)s;

-- name: facts
-- The next facts of a stream after a seq, up to a page.
select p.part, p.seq, p.topic, p.state
from (
    select e.part, e.seq, e.topic, e.state,
        sum(octet_length(e.state)) over (order by e.seq rows between unbounded preceding and 1 preceding) as before
    from (
        select e.part, e.seq, e.topic, e.state from events e
        where e.part = %(part)s and e.originator_id = %(stream)s and e.seq > %(after)s
        order by e.originator_version
        limit %(limit)s
    ) e
) p
where coalesce(p.before, 0) < %(bytes)s
order by p.seq;

-- name: facts_elsewhere
-- Facts of other streams that change the result of a stream's facts.
select e.part, e.seq, e.topic, e.state from events e
where e.part = %(part)s and e.originator_id = any (%(streams)s::text[]) and e.topic = any (%(topics)s::text[])
    and e.seq > %(after)s
order by e.seq;

-- name: now
select clock_timestamp();

-- name: what_is_written
-- Waits for the batch that is being written. Any later batch has a later recording time.
select h.part from heads h where h.part = %(part)s for share;

-- name: last
-- The last event of a partition. Its time may be later than the clock's, if the clock was set back.
select e.state from events e where e.part = %(part)s order by e.seq desc limit 1;
