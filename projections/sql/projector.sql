-- name: session
-- A worker that hangs in the middle of a page loses it, and with it the rows of its leases.
set idle_in_transaction_session_timeout = '5s';

-- name: session_commits
-- Rows and place are of one transaction: what a crash loses is applied again.
set synchronous_commit = off;

-- name: generations
-- All generations are kept growing, live or not.
select view, generation, version from views order by view, generation;

-- name: take_leases
-- A lease is free when it has run out, or when the session that held it is gone: then nobody waits for it to run out.
update leases l
set owner = %(owner)s, until = clock_timestamp() + %(seconds)s * interval '1 second'
where l.view = %(view)s and l.generation = %(generation)s
    and (l.owner is null or l.owner = %(owner)s or l.until < clock_timestamp()
        or not exists (select from pg_stat_activity a where a.application_name = l.owner))
    and l.part in (
        select part from leases where view = %(view)s and generation = %(generation)s for update skip locked
    );

-- name: release_leases
update leases set owner = null, until = null where owner = %(owner)s;

-- name: lock_leases
-- Whoever writes a page holds the rows of its leases: no other can have the same place before its eyes.
select part from leases
where view = %(view)s and generation = %(generation)s and owner = %(owner)s
for update skip locked;

-- name: page
-- What came after the place of each partition, a beginning of each in order of seq; a statement of its own, so that it sees
-- what the lock waited for. Not sorted as a whole: all would have to be read before the limit counts.
select e.part, e.seq, e.topic, e.state
from unnest(%(parts)b::smallint[]) as l (part)
left join lateral (
    select p.seq from places p
    where p.part = l.part and p.view = %(view)s and p.generation = %(generation)s
    order by p.seq desc limit 1
) p on true
cross join lateral (
    select e.part, e.seq, e.topic, e.state from events e
    where e.part = l.part and e.seq > coalesce(p.seq, 0)
    order by e.seq limit %(limit)s
) e
limit %(limit_of_all)s;

-- name: add_places
insert into places (part, view, generation, seq)
select part, %(view)s, %(generation)s, seq from unnest(%(parts)b::smallint[], %(seqs)b::bigint[]) as n (part, seq);

-- name: remove_places
delete from places p
using unnest(%(parts)b::smallint[], %(seqs)b::bigint[]) as n (part, seq)
where p.part = n.part and p.view = %(view)s and p.generation = %(generation)s and p.seq < n.seq;

-- name: status
-- How far every view is behind in events, and the first event of each partition that it has not seen.
select v.view, v.generation, v.live, coalesce(sum(e.seq - coalesce(p.seq, 0)), 0)::bigint as behind,
    array_agg(f.state) filter (where f.state is not null) as unseen
from views v
cross join heads h
left join lateral (
    select p.seq from places p
    where p.part = h.part and p.view = v.view and p.generation = v.generation
    order by p.seq desc limit 1
) p on true
left join lateral (select e.seq from events e where e.part = h.part order by e.seq desc limit 1) e on true
left join lateral (
    select f.state from events f where f.part = h.part and f.seq = coalesce(p.seq, 0) + 1
) f on true
group by v.view, v.generation, v.live
order by v.view, v.generation;
