-- The log, cut into partitions, and the projections that decisions rest on. Every key of a partitioned table leads with
-- part, so that each of them can be distributed by it.

create table heads (
    part smallint primary key
);
comment on table heads is 'One row for each partition, only ever locked by its writers, never updated.';

create table events (
    part smallint not null,
    seq bigint not null,
    originator_id text collate "C" not null,
    originator_version integer not null,
    topic text collate "C" not null,
    state bytea not null,
    primary key (part, originator_id, originator_version),
    unique (part, seq)
);
comment on table events is 'Facts: without gaps and in commit order within a partition.';

create table dedupe_index (
    part smallint not null,
    scope text collate "C" not null,
    key bytea not null,
    stream text collate "C" not null,
    primary key (part, scope, key)
);
comment on table dedupe_index is 'Which stream holds what may exist only once.';

create table institutions (
    id text collate "C" primary key,
    type text not null,
    name text collate "C" not null,
    address text,
    latitude float8,
    longitude float8
);

create table users (
    id text collate "C" primary key,
    role text collate "C" not null,
    username text collate "C" not null,
    password_hash text not null,
    institution_id text collate "C",
    profile jsonb not null
);
create index on users (username);
create index on users (role, id);
create index on users (institution_id);

create table groups (
    id text collate "C" primary key,
    owner_id text collate "C" not null,
    name text collate "C" not null,
    school_class text
);
create index on groups (owner_id, id);

create table ties (
    owner_id text collate "C" not null,
    child_id text collate "C" not null,
    group_id text collate "C" not null,
    primary key (owner_id, child_id, group_id)
);
create index on ties (child_id);
create index on ties (group_id);
comment on table ties is 'Who may see which child, through which group; a family through itself.';
