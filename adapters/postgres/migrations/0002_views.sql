-- What the projector needs to keep views: which generations there are, how far each is, and who keeps it.

create table views (
    view text collate "C" not null,
    generation integer not null,
    version integer not null,
    live boolean not null,
    primary key (view, generation)
);

create table places (
    part smallint not null,
    view text collate "C" not null,
    generation integer not null,
    seq bigint not null,
    primary key (part, view, generation, seq)
);
comment on table places is
    'How far a view is in a partition: its highest row. Rows are added and removed, never updated: the versions of an '
    'updated one would pile up under any open snapshot.';

create table leases (
    part smallint not null,
    view text collate "C" not null,
    generation integer not null,
    owner text,
    until timestamptz,
    primary key (part, view, generation)
);
comment on table leases is 'Which projector keeps a view in a partition. The row is locked while a page is written.';
