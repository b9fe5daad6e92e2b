-- name: create
create table {measurements} (
    part smallint not null,
    child_id text collate "C" not null,
    kind text collate "C" not null,
    id text collate "C" not null,
    taken_at timestamptz not null,
    value float8 not null,
    unit text collate "C" not null,
    companion_value float8,
    institution_id text collate "C" not null,
    primary key (part, child_id, kind, id)
);

-- name: index
create index on {measurements} (part, child_id, kind, taken_at);

-- name: stored_rows
select part, child_id, kind, id, taken_at, value, unit, companion_value, institution_id
from {measurements}
where part = %(part)s
order by part, child_id, kind, id;

-- name: upsert
-- An existing row comes from a page that is written again.
insert into {measurements} (part, child_id, kind, id, taken_at, value, unit, companion_value, institution_id)
select * from unnest(
    %b::smallint[], %b::text[], %b::text[], %b::text[], %b::timestamptz[], %b::float8[], %b::text[], %b::float8[],
    %b::text[]
)
on conflict (part, child_id, kind, id) do update set
    taken_at = excluded.taken_at, value = excluded.value, unit = excluded.unit,
    companion_value = excluded.companion_value, institution_id = excluded.institution_id;

-- name: insert
-- While a rebuild fills the generation, no row exists yet.
insert into {measurements} (part, child_id, kind, id, taken_at, value, unit, companion_value, institution_id)
select * from unnest(
    %b::smallint[], %b::text[], %b::text[], %b::text[], %b::timestamptz[], %b::float8[], %b::text[], %b::float8[],
    %b::text[]
);

-- name: delete_rows
delete from {measurements} t
using unnest(%b::smallint[], %b::text[], %b::text[], %b::text[]) as r (part, child_id, kind, id)
where t.part = r.part and t.child_id = r.child_id and t.kind = r.kind and t.id = r.id;

-- name: delete_children
delete from {measurements} t
using unnest(%b::smallint[], %b::text[]) as w (part, child_id)
where t.part = w.part and t.child_id = w.child_id;
