-- name: objects
-- The existing objects with these names, each with the number of its unique indexes. A type, too, prevents the creation
-- of a table with the same name.
select c.relname::text,
    (select count(*) from pg_index i where i.indrelid = c.oid and i.indisunique and i.indisvalid)::integer
from pg_class c
where c.relnamespace = current_schema()::regnamespace and c.relname = any (%(names)s::text[])
union all
select t.typname::text, 0
from pg_type t
where t.typnamespace = current_schema()::regnamespace and t.typrelid = 0 and t.typname = any (%(names)s::text[]);

-- name: elsewhere
-- Schemas other than ours that contain a log, and whether a session that does not set its search path would use them.
select n.nspname::text, n.nspname = any (
    regexp_split_to_array(replace(replace(s.reset_val, '"', ''), '$user', session_user), '\s*,\s*')
)
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
cross join pg_settings s
where c.relname in ('heads', 'events', 'dedupe_index') and c.relkind in ('r', 'p')
    and n.nspname <> current_schema() and s.name = 'search_path'
group by n.nspname, s.reset_val
having count(*) = 3
order by n.nspname;
