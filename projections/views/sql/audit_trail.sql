-- name: create
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

-- name: index_streams
-- Which stream an id names, and its events.
create index on {audit_trail} (name, part, seq);

-- name: index_subjects
create index on {audit_trail} (part, subject_id, seq);

-- name: index_outcomes
create index on {audit_trail} (part, outcome_id, seq) where outcome_id is not null;

-- name: index_actors
create index on {audit_trail} (part, actor_id, seq);

-- name: index_requests
create index on {audit_trail} (part, request_id, seq);

-- name: index_times
create index on {audit_trail} (part, recorded_at);

-- name: stored_rows
select part, seq, stream, version, name, event, happened_at, recorded_at, actor_id, actor_role, request_id, cause,
    subject_id, outcome_id
from {audit_trail}
where part = %(part)s
order by part, seq;

-- name: upsert
-- A row that is there already came with a page that is written again, and says the same.
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
-- In a generation that grows: no row is there yet.
insert into {audit_trail} (
    part, seq, stream, version, name, event, happened_at, recorded_at, actor_id, actor_role, request_id, cause,
    subject_id, outcome_id
)
select * from unnest(
    %b::smallint[], %b::bigint[], %b::text[], %b::integer[], %b::text[], %b::text[], %b::timestamptz[],
    %b::timestamptz[], %b::text[], %b::text[], %b::text[], %b::text[], %b::text[], %b::text[]
);
