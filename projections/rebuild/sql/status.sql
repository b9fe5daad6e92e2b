-- name: status
-- Every generation with its checkpoint, the end of the log and the first unapplied event in each partition, and its workers.
-- An absent builder has left the generation unfinished.
select v.view, v.generation, v.version, v.live, v.grown,
    case when v.builder is null then null
        when exists (select from pg_stat_activity a where a.application_name = v.builder) then v.builder
        else '' end as builder,
    s.checkpoints, s.ends, s.unseen, clock_timestamp() as now,
    (select count(distinct p.stream) from parked_events p
     where p.view = v.view and p.generation = v.generation) as parked,
    w.owners, w.rate
from views v
cross join lateral (
    select coalesce(array_agg(coalesce(p.seq, 0) order by h.part), '{}') as checkpoints,
        coalesce(array_agg(coalesce(e.seq, 0) order by h.part), '{}') as ends,
        array_agg(f.state) filter (where f.state is not null) as unseen
    from heads h
    left join lateral (
        select p.seq from places p
        where p.part = h.part and p.view = v.view and p.generation = v.generation
        order by p.seq desc limit 1
    ) p on true
    left join lateral (select e.seq from events e where e.part = h.part order by e.seq desc limit 1) e on true
    left join lateral (
        select f.state from events f where f.part = h.part and f.seq = coalesce(p.seq, 0) + 1
    ) f on true
) s
cross join lateral (
    select coalesce(array_agg(w.owner order by w.owner), '{}') as owners, coalesce(sum(w.rate), 0) as rate
    from workers w
    where w.view = v.view and w.generation = v.generation and exists (
        select from pg_stat_activity a
        where a.application_name = w.owner and (
            a.state_change is null or a.state = 'active' or a.state_change > clock_timestamp() - interval '5 seconds'
        )
    )
) w
order by v.view, v.generation;

-- name: log_size
-- The number of events in the log, and their bytes with indexes, including partitions of the table.
select
    (select coalesce(sum(e.seq), 0)::bigint from heads h
     cross join lateral (select e.seq from events e where e.part = h.part order by e.seq desc limit 1) e),
    (select sum(pg_total_relation_size(c.oid))::bigint from pg_class c
     where c.oid = 'events'::regclass
        or c.oid in (select i.inhrelid from pg_inherits i where i.inhparent = 'events'::regclass));

-- name: row_counts
-- The approximate number of rows of tables, from the statistics of PostgreSQL.
select c.relname, case when c.reltuples >= 0 then c.reltuples::bigint else pg_stat_get_live_tuples(c.oid) end
from pg_class c
where c.relname = any (%(tables)b::text[]) and c.relkind in ('r', 'p') and pg_table_is_visible(c.oid);
