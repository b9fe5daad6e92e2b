-- name: session
-- A worker that hangs within a page loses the page and the locks on its leases.
set idle_in_transaction_session_timeout = '5s';

-- name: session_commits
-- Rows and checkpoint are committed together: a page that a crash loses is applied again.
set synchronous_commit = off;

-- name: heartbeat
-- Register a worker of a generation. Writes nothing if nothing has changed.
insert into workers (view, generation, owner, rate)
select %(view)s, %(generation)s, %(owner)s, %(rate)s
where not exists (
    select from workers w
    where w.view = %(view)s and w.generation = %(generation)s and w.owner = %(owner)s and w.rate = %(rate)s
)
on conflict (view, generation, owner) do update set rate = excluded.rate;

-- name: absent_workers
-- The workers of a generation without an active session. A live worker runs statements several times a second. Of sessions of
-- other roles PostgreSQL shows only that they exist.
select w.owner
from (
    select owner from workers where view = %(view)s and generation = %(generation)s
    union
    select owner from leases where view = %(view)s and generation = %(generation)s and owner is not null
) w
where not exists (
    select from pg_stat_activity a
    where a.application_name = w.owner and (
        a.state_change is null or a.state = 'active'
        or a.state_change > clock_timestamp() - %(seconds)s * interval '1 second'
    )
);

-- name: delete_workers
delete from workers where view = %(view)s and generation = %(generation)s and owner = any (%(absent)b::text[]);

-- name: claim_leases
-- Claim the leases that no worker holds, and those of absent workers.
update leases l
set owner = %(owner)s
where l.view = %(view)s and l.generation = %(generation)s and l.part in (
    select part from leases
    where view = %(view)s and generation = %(generation)s and (owner is null or owner = any (%(absent)b::text[]))
    for update skip locked
);

-- name: shares
-- Every worker, including this one, with the partitions that it holds.
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
-- Hand leases over to other workers, which notice at their next check.
update leases l
set owner = n.owner
from unnest(%(parts)b::smallint[], %(owners)b::text[]) as n (part, owner)
where l.part = n.part and l.view = %(view)s and l.generation = %(generation)s and l.owner = %(owner)s;

-- name: delete_worker
delete from workers where owner = %(owner)s;

-- name: release_leases
update leases set owner = null where owner = %(owner)s;

-- name: has_new_events
-- Whether the partitions of a worker have events after their checkpoints.
select exists (
    select from leases l
    left join lateral (
        select p.seq from places p
        where p.part = l.part and p.view = l.view and p.generation = l.generation
        order by p.seq desc limit 1
    ) p on true
    where l.view = %(view)s and l.generation = %(generation)s and l.owner = %(owner)s
        and exists (select from events e where e.part = l.part and e.seq > coalesce(p.seq, 0))
);

-- name: lock_leases
-- A worker locks its leases while it writes a page, so that no other worker starts from the same checkpoint.
select l.part, exists (
    select from parked_events p where p.part = l.part and p.view = l.view and p.generation = l.generation
)
from leases l
where l.view = %(view)s and l.generation = %(generation)s and l.owner = %(owner)s
for update of l skip locked;
