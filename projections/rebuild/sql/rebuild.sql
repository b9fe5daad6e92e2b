-- name: session
-- A session that holds leases or partition locks and hangs (suspended or cut off) loses them.
set idle_in_transaction_session_timeout = '5s';

-- name: session_check
-- PostgreSQL ends the session of a killed client even during a long statement, so that the next rebuild need not wait.
set client_connection_check_interval = '1s';

-- name: session_plans
-- Generic plans would be made for the empty tables at the beginning.
set plan_cache_mode = force_custom_plan;

-- name: is_behind
select exists (
    select from views v
    join leases l on l.view = v.view and l.generation = v.generation
    left join lateral (
        select p.seq from places p
        where p.part = l.part and p.view = l.view and p.generation = l.generation
        order by p.seq desc limit 1
    ) p on true
    where v.view = %(view)s and v.live
        and exists (select from events e where e.part = l.part and e.seq > coalesce(p.seq, 0))
);

-- name: session_exists
select exists (select from pg_stat_activity where application_name = %(builder)s);

-- name: set_builder
update views set builder = %(builder)s where view = %(view)s and generation = %(generation)s;

-- name: set_built
update views set grown = true where view = %(view)s and generation = %(generation)s;

-- name: claim_partitions
-- Partitions that are not filled yet and that no other worker has claimed. Several at once, because their events share blocks.
select l.part, l.target
from leases l
left join lateral (
    select p.seq from places p
    where p.part = l.part and p.view = l.view and p.generation = l.generation
    order by p.seq desc limit 1
) p on true
where l.view = %(view)s and l.generation = %(generation)s and coalesce(p.seq, 0) < l.target
order by l.part
limit %(limit)s
for update of l skip locked;

-- name: progress
-- The number of events applied, and of events in the log when the rebuild began.
select coalesce(sum(least(coalesce(p.seq, 0), l.target)), 0)::bigint, coalesce(sum(l.target), 0)::bigint
from leases l
left join lateral (
    select p.seq from places p
    where p.part = l.part and p.view = l.view and p.generation = l.generation
    order by p.seq desc limit 1
) p on true
where l.view = %(view)s and l.generation = %(generation)s;

-- name: lock_leases
-- No projector writes a page of these generations in these partitions until this transaction ends.
select part from leases
where view = %(view)s and generation = any (%(generations)b::integer[]) and part = any (%(parts)b::smallint[])
order by part, generation
for update;

-- name: lock_partitions
-- No command is decided in these partitions until this transaction ends.
select part from heads where part = any (%(parts)b::smallint[]) order by part for update;

-- name: is_maintained
-- Whether every partition that is maintained in the old generation is maintained in the new one.
select not exists (
    select from leases o
    join leases n on n.part = o.part and n.view = o.view
    where o.view = %(view)s and o.generation = %(old)s and n.generation = %(new)s
        and o.owner is not null and n.owner is null
);

-- name: parked_stream_count
select count(distinct stream) from parked_events where view = %(view)s and generation = %(generation)s;

-- name: short_lock_timeout
-- Queries wait behind a switch or a drop that waits for a lock: so these give up early and try again.
set local lock_timeout = '100ms';

-- name: primary_key
select a.attname
from pg_index i
cross join unnest(i.indkey) with ordinality as k (attnum, place)
join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
where i.indrelid = %(table)s::regclass and i.indisprimary
order by k.place;

-- name: differences
-- The first differing rows of one partition in the order of the key, compared bit by bit, and how many differ.
select to_jsonb(o)::text, to_jsonb(n)::text, count(*) over ()
from (select * from {old} t where {in_part}) o
full join (select * from {new} t where {in_part}) n using ({key})
where not coalesce(o *= n, false)
order by {key}
limit %(limit)s;

-- name: missing_inline_views
-- The inline projections that are empty although the log has a user: commands must not decide by them.
select p.name
from (
    values ('dedupe_index', exists (select from dedupe_index)), ('directory', exists (select from users))
) p (name, has_rows)
where not p.has_rows and exists (
    select from events e
    where e.part = %(part)s and e.topic = any (%(registered)b::text[])
        and not exists (
            select from events r
            where r.part = e.part and r.originator_id = e.originator_id and r.topic = any (%(removed)b::text[])
        )
)
order by p.name;
