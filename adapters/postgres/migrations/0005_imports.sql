-- Which export a log began with, so that an import that was stopped is known again, and goes on.

create table imports (
    sha256 text collate "C" primary key,
    events bigint not null,
    finished boolean not null default false
);
comment on table imports is
    'The export that was imported into this log, by the hash of its events; written in the transaction that stored them.';
comment on column imports.finished is 'Whether the views have grown as well.';
