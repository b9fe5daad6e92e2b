-- name: create_audit_trail
-- One row for each event of the log. `name` is the stream's without its partition key: the id that the API shows.
create table {audit_trail} (
    part smallint not null,
    seq bigint not null,
    stream text collate "C" not null,
    version integer not null,
    name text collate "C" not null,
    event text collate "C" not null,
    happened_at timestamptz not null,
    recorded_at timestamptz not null,
    actor_id text collate "C" not null,
    actor_role text collate "C" not null,
    request_id text collate "C" not null,
    cause text collate "C" not null,
    subject_id text collate "C" not null,
    outcome_id text collate "C",
    primary key (part, seq)
);

-- name: create_audit_subjects
-- The subjects of an event besides the main one, which its row has.
create table {audit_subjects} (
    part smallint not null,
    seq bigint not null,
    subject_id text collate "C" not null,
    primary key (part, seq, subject_id)
);

-- name: create_audit_children
-- The children of a group or a family after an event that changed them, as a JSON array.
create table {audit_children} (
    part smallint not null,
    stream text collate "C" not null,
    version integer not null,
    children text collate "C" not null,
    primary key (part, stream, version)
);

-- name: index_audit_trail_streams
-- Which stream an id names, and its events.
create index on {audit_trail} (name, part, seq);

-- name: index_audit_trail_subjects
create index on {audit_trail} (part, subject_id, seq);

-- name: index_audit_trail_outcomes
create index on {audit_trail} (part, outcome_id, seq) where outcome_id is not null;

-- name: index_audit_trail_actors
create index on {audit_trail} (part, actor_id, seq);

-- name: index_audit_trail_requests
create index on {audit_trail} (part, request_id, seq);

-- name: index_audit_trail_times
create index on {audit_trail} (part, recorded_at);

-- name: index_audit_subjects
create index on {audit_subjects} (part, subject_id, seq);

-- name: stored_audit_trail
select part, seq, stream, version, name, event, happened_at, recorded_at, actor_id, actor_role, request_id, cause,
    subject_id, outcome_id
from {audit_trail}
where part = %(part)s
order by part, seq;

-- name: upsert
-- An existing row comes from a page that is written again, and is the same.
insert into {audit_trail} (
    part, seq, stream, version, name, event, happened_at, recorded_at, actor_id, actor_role, request_id, cause,
    subject_id, outcome_id
)
select * from unnest(
    %b::smallint[], %b::bigint[], %b::text[], %b::integer[], %b::text[], %b::text[], %b::timestamptz[],
    %b::timestamptz[], %b::text[], %b::text[], %b::text[], %b::text[], %b::text[], %b::text[]
)
on conflict (part, seq) do nothing;

-- name: insert
-- While a rebuild fills the generation, no row exists yet.
insert into {audit_trail} (
    part, seq, stream, version, name, event, happened_at, recorded_at, actor_id, actor_role, request_id, cause,
    subject_id, outcome_id
)
select * from unnest(
    %b::smallint[], %b::bigint[], %b::text[], %b::integer[], %b::text[], %b::text[], %b::timestamptz[],
    %b::timestamptz[], %b::text[], %b::text[], %b::text[], %b::text[], %b::text[], %b::text[]
);

-- name: stored_audit_subjects
select part, seq, subject_id from {audit_subjects} where part = %(part)s order by part, seq, subject_id;

-- name: stored_audit_children
select part, stream, version, children from {audit_children} where part = %(part)s order by part, stream, version;

-- name: upsert_subjects
-- An existing row comes from a page that is written again, and is the same. So it is with children.
insert into {audit_subjects} (part, seq, subject_id)
select * from unnest(%b::smallint[], %b::bigint[], %b::text[])
on conflict (part, seq, subject_id) do nothing;

-- name: upsert_children
insert into {audit_children} (part, stream, version, children)
select * from unnest(%b::smallint[], %b::text[], %b::integer[], %b::text[])
on conflict (part, stream, version) do nothing;

-- name: children_before
-- The children of each stream before an event of it.
select e.stream, c.children
from unnest(%b::smallint[], %b::text[], %b::integer[]) as e (part, stream, version)
cross join lateral (
    select c.children from {audit_children} c
    where c.part = e.part and c.stream = e.stream and c.version < e.version
    order by c.version desc
    limit 1
) c;

-- name: no_subjects
-- Version 1 of the view has none of these.
select t.part, t.seq, t.subject_id from {audit_trail} t where false;
