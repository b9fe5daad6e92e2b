-- name: all_generations
select view, generation, version, live, grown, builder from views order by view, generation;

-- name: lock_generations
-- The generations of a view, locked until the transaction ends.
select generation, version, live, grown, builder from views where view = %(view)s order by generation for update;

-- name: insert_generation
insert into views (view, generation, version, live, grown) values (%(view)s, %(generation)s, %(version)s, false, %(built)s);

-- name: insert_leases
-- A rebuild fills the generation up to where the log ends now; projectors fill a first generation from the start.
insert into leases (part, view, generation, target)
select h.part, %(view)s, %(generation)s,
    case when %(built)s then 0
    else coalesce((select e.seq from events e where e.part = h.part order by e.seq desc limit 1), 0) end
from heads h;

-- name: existing_names
select n.name from unnest(%(names)b::text[]) as n (name) where to_regclass(quote_ident(n.name)) is not null order by 1;

-- name: set_live
update views set live = (generation = %(generation)s) where view = %(view)s;

-- name: lock_leases
-- No projector writes a page of the generation until the transaction ends: projectors skip locked leases.
select part from leases where view = %(view)s and generation = %(generation)s order by part for update;

-- name: delete_generation
delete from views where view = %(view)s and generation = %(generation)s;

-- name: delete_leases
delete from leases where view = %(view)s and generation = %(generation)s;

-- name: delete_checkpoints
delete from places where view = %(view)s and generation = %(generation)s;

-- name: delete_parked
delete from parked_events where view = %(view)s and generation = %(generation)s;

-- name: delete_workers
delete from workers where view = %(view)s and generation = %(generation)s;

-- name: foreign_names
-- Which of these names belong to a relation that is not a view on tables of a generation.
select c.relname::text
from pg_class c
where c.relnamespace = current_schema()::regnamespace and c.relname = any (%(names)s::text[])
    and not (c.relkind = 'v' and exists (
        select from pg_rewrite r
        join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
        join pg_class t on d.refclassid = 'pg_class'::regclass and t.oid = d.refobjid
        where r.ev_class = c.oid
            and t.relname ~ '_g[0-9]+$' and regexp_replace(t.relname, '_g[0-9]+$', '') = any (%(names)s::text[])
    ))
order by c.relname;
