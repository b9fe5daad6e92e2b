-- name: checkpoints
-- The checkpoints of a generation in these partitions, in their order.
select l.part, coalesce(p.seq, 0)
from unnest(%(parts)b::smallint[]) as l (part)
left join lateral (
    select p.seq from places p
    where p.part = l.part and p.view = %(view)s and p.generation = %(generation)s
    order by p.seq desc limit 1
) p on true
order by l.part;

-- name: next_events
-- The next events after the checkpoint of each partition, in order of seq within a partition. It is a statement of its own, so
-- that it sees what was committed while the lock was awaited. The page is not sorted as a whole, which would read all events
-- before the limits apply. It ends with the event that fills it: `before` is the number of bytes before an event, and
-- PostgreSQL knows the lengths without reading the values.
select p.part, p.seq, p.originator_id, p.topic, p.state
from (
    select e.part, e.seq, e.originator_id, e.topic, e.state,
        sum(octet_length(e.state)) over (rows between unbounded preceding and 1 preceding) as before
    from unnest(%(parts)b::smallint[]) as l (part)
    left join lateral (
        select p.seq from places p
        where p.part = l.part and p.view = %(view)s and p.generation = %(generation)s
        order by p.seq desc limit 1
    ) p on true
    cross join lateral (
        select e.part, e.seq, e.originator_id, e.topic, e.state from events e
        where e.part = l.part and e.seq > coalesce(p.seq, 0)
        order by e.seq limit %(limit)s
    ) e
    limit %(limit_of_all)s
) p
where coalesce(p.before, 0) < %(bytes)s;

-- name: events_between
-- The events that a view applies, of each partition after one seq and up to another, in order of seq; limited like `next_events`.
select p.part, p.seq, p.originator_id, p.topic, p.state
from (
    select e.part, e.seq, e.originator_id, e.topic, e.state,
        sum(octet_length(e.state)) over (rows between unbounded preceding and 1 preceding) as before
    from unnest(%(parts)b::smallint[], %(afters)b::bigint[], %(limits)b::bigint[]) as l (part, after, last)
    cross join lateral (
        select e.part, e.seq, e.originator_id, e.topic, e.state from events e
        where e.part = l.part and e.seq > l.after and e.seq <= l.last and e.topic = any (%(topics)b::text[])
        order by e.seq
    ) e
) p
where coalesce(p.before, 0) < %(bytes)s;

-- name: save_checkpoints
-- Inserts new rows and deletes the older ones: versions of updated rows would pile up under any open snapshot.
with reached as (
    select part, seq from unnest(%(parts)b::smallint[], %(seqs)b::bigint[]) as n (part, seq)
),
added as (
    insert into places (part, view, generation, seq)
    select part, %(view)s, %(generation)s, seq from reached
)
delete from places p
using reached n
where p.part = n.part and p.view = %(view)s and p.generation = %(generation)s and p.seq < n.seq;

-- name: parked_streams
select distinct p.stream from parked_events p
where p.part = any (%(parts)b::smallint[]) and p.view = %(view)s and p.generation = %(generation)s;

-- name: park
insert into parked_events (part, view, generation, seq, stream, topic, error)
select n.part, %(view)s, %(generation)s, n.seq, n.stream, n.topic, n.error
from unnest(%(parts)b::smallint[], %(seqs)b::bigint[], %(streams)b::text[], %(topics)b::text[], %(errors)b::text[])
    as n (part, seq, stream, topic, error);
