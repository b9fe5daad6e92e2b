-- Generations are grown beside the live one, by a rebuild until they are at the end of the log, then by the projectors.

alter table views
    add column grown boolean not null default true,
    add column builder text;
comment on column views.grown is 'Whether projectors keep it; until then a rebuild grows it.';
comment on column views.builder is 'Who rebuilds it: the application name of a session, which is gone when the rebuild is.';

alter table leases
    add column target bigint not null default 0;
comment on column leases.target is 'The seq up to which a rebuild grows the partition, before anybody reads it.';

create table workers (
    view text collate "C" not null,
    generation integer not null,
    owner text collate "C" not null,
    until timestamptz not null,
    rate float8 not null,
    primary key (view, generation, owner)
);
comment on table workers is 'The projectors that share the partitions of a generation, and how many events a second each applies.';

create table parked_events (
    part smallint not null,
    view text collate "C" not null,
    generation integer not null,
    seq bigint not null,
    stream text collate "C" not null,
    topic text collate "C" not null,
    error text,
    primary key (part, view, generation, seq)
);
comment on table parked_events is
    'What a view has left out: the event of each stream that it could not apply, with the error, and those after it.';
