-- name: lock
select pg_advisory_xact_lock(%(lock)s);

-- name: limit_waits
-- Readers and writers wait behind a migration that waits for a table. Their own limit is 2 seconds.
set local lock_timeout = '1s';

-- name: oldest_holder
-- Of the sessions that hold a lock on one of our tables, the one with the oldest transaction. PostgreSQL may hide when
-- the transactions of other roles began.
select a.pid, coalesce(a.application_name, ''), a.usename
from pg_stat_activity a
where a.pid <> pg_backend_pid() and a.pid in (
    select l.pid from pg_locks l join pg_class c on c.oid = l.relation
    where l.locktype = 'relation' and l.granted and c.relkind in ('r', 'p')
        and c.relnamespace = current_schema()::regnamespace
        and l.database = (select oid from pg_database where datname = current_database())
)
order by a.xact_start
limit 1;

-- name: is_locked
-- Whether a session holds the lock. PostgreSQL stores the key in two halves; ours is below 2^31, so the upper one is 0.
select exists (
    select from pg_locks
    where locktype = 'advisory' and classid = 0 and objid = %(lock)s::oid and objsubid = 1 and granted
        and database = (select oid from pg_database where datname = current_database())
);

-- name: has_migrations
select to_regclass('migrations') is not null;

-- name: is_ours
-- Whether the table `migrations` is the one that this service creates, and not that of another tool.
select count(*) = 3
from pg_attribute
where attrelid = to_regclass('migrations') and attnum > 0 and not attisdropped
    and attname in ('name', 'checksum', 'applied_at');

-- name: create_migrations
create table migrations (
    name text primary key,
    checksum text not null,
    applied_at timestamptz not null default now()
);

-- name: applied
select name, checksum from migrations;

-- name: set_applied
insert into migrations (name, checksum) values (%(name)s, %(checksum)s);

-- name: partitions
-- The number of partitions, and whether it is wrong: they are not numbered from 0 without gaps, or an event is in none.
select h.count, h.count <> h.next or coalesce(e.part >= h.count, false)
from (select count(*) as count, coalesce(max(part) + 1, 0) as next from heads) h
left join lateral (select part from events order by part desc limit 1) e on true;

-- name: add_partitions
insert into heads (part) select part from generate_series(0, %(partitions)s - 1) as part;
