-- name: session
-- A worker that hangs in the middle of a page loses it, and with it the rows of its leases.
set idle_in_transaction_session_timeout = '5s';

-- name: session_commits
-- Rows and place are of one transaction: what a crash loses is applied again.
set synchronous_commit = off;

-- name: beat
-- A worker is there for as long as it says so.
insert into workers (view, generation, owner, until, rate)
values (%(view)s, %(generation)s, %(owner)s, clock_timestamp() + %(seconds)s * interval '1 second', %(rate)s)
on conflict (view, generation, owner) do update set until = excluded.until, rate = excluded.rate;

-- name: bury
-- Those that have run out, or whose session is gone: then nobody waits for them to run out.
delete from workers w
where w.view = %(view)s and w.generation = %(generation)s
    and (w.until < clock_timestamp()
        or not exists (select from pg_stat_activity a where a.application_name = w.owner));

-- name: keepers
-- The live views, and the workers that are there for them.
select v.view, coalesce(array_agg(w.owner) filter (where w.owner is not null), '{}') as owners
from views v
left join workers w on w.view = v.view and w.generation = v.generation and w.until > clock_timestamp()
where v.live
group by v.view
order by v.view;

-- name: take_leases
-- Its own again, and all that nobody holds any more.
update leases l
set owner = %(owner)s, until = clock_timestamp() + %(seconds)s * interval '1 second'
where l.view = %(view)s and l.generation = %(generation)s
    and (l.owner is null or l.owner = %(owner)s or l.until < clock_timestamp()
        or not exists (select from pg_stat_activity a where a.application_name = l.owner))
    and l.part in (
        select part from leases where view = %(view)s and generation = %(generation)s for update skip locked
    );

-- name: shares
-- Every worker there is, with the one that asks, and the partitions it holds.
select w.owner, coalesce(array_agg(l.part order by l.part) filter (where l.part is not null), '{}')
from (
    select owner from workers where view = %(view)s and generation = %(generation)s
    union
    select %(owner)s
) w
left join leases l on l.view = %(view)s and l.generation = %(generation)s and l.owner = w.owner
group by w.owner
order by w.owner;

-- name: hand_over
-- From one worker to others, which go on at their next look; until nobody's lease has run out, nobody else may take them.
update leases l
set owner = n.owner, until = clock_timestamp() + %(seconds)s * interval '1 second'
from unnest(%(parts)b::smallint[], %(owners)b::text[]) as n (part, owner)
where l.part = n.part and l.view = %(view)s and l.generation = %(generation)s and l.owner = %(owner)s;

-- name: leave
delete from workers where owner = %(owner)s;

-- name: release_leases
update leases set owner = null, until = null where owner = %(owner)s;

-- name: lock_leases
-- Whoever writes a page holds the rows of its leases: no other can have the same place before its eyes.
select l.part, exists (
    select from parked_events p where p.part = l.part and p.view = l.view and p.generation = l.generation
)
from leases l
where l.view = %(view)s and l.generation = %(generation)s and l.owner = %(owner)s
for update of l skip locked;
