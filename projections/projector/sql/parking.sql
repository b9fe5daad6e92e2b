-- name: parked_streams
-- The bad event of each parked stream, and the number of events after it.
select p.view, p.generation, p.part, p.seq, p.stream, p.topic, p.error,
    (select count(*) from parked_events f
     where f.part = p.part and f.view = p.view and f.generation = p.generation and f.stream = p.stream
        and f.seq > p.seq)
from parked_events p
where p.error is not null and (%(view)s::text is null or p.view = %(view)s)
order by p.view, p.generation, p.part, p.seq;

-- name: lock_lease
-- No projector writes a page of the partition until the transaction ends.
select part from leases where part = %(part)s and view = %(view)s and generation = %(generation)s for update;

-- name: unpark
-- Returns the seq of the bad event.
with gone as (
    delete from parked_events p
    where p.part = %(part)s and p.view = %(view)s and p.generation = %(generation)s and p.stream = %(stream)s
    returning p.seq
)
select min(seq) from gone;

-- name: events_after
-- The next events of a partition key up to the checkpoint, without those of streams that are still parked. The page ends with
-- the event that fills it.
select p.part, p.seq, p.originator_id, p.topic, p.state
from (
    select e.part, e.seq, e.originator_id, e.topic, e.state,
        sum(octet_length(e.state)) over (order by e.seq rows between unbounded preceding and 1 preceding) as before
    from events e
    where e.part = %(part)s and e.originator_id >= %(key)s || '/' and e.originator_id < %(key)s || '0'
        and e.seq > %(after)s and e.seq <= %(checkpoint)s and e.topic = any (%(topics)b::text[])
        and not exists (
            select from parked_events p
            where p.part = e.part and p.view = %(view)s and p.generation = %(generation)s and p.seq = e.seq
        )
) p
where coalesce(p.before, 0) < %(bytes)s
order by p.seq;
