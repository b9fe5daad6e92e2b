-- name: lock
select pg_advisory_xact_lock(%(lock)s);

-- name: limit_waits
-- Readers and writers wait behind a migration that waits for a table: less than the 2 seconds that they have themselves.
set local lock_timeout = '1s';

-- name: oldest_holder
-- The session that has been longest in its transaction of those that hold a lock of a table here. Of sessions of other
-- roles PostgreSQL may hide when they began.
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
-- Whether somebody holds the lock. Its key is below 2^31, so that the other half of what PostgreSQL keeps of it is 0.
select exists (
    select from pg_locks
    where locktype = 'advisory' and classid = 0 and objid = %(lock)s::oid and objsubid = 1 and granted
        and database = (select oid from pg_database where datname = current_database())
);

-- name: has_migrations
select to_regclass('migrations') is not null;

-- name: is_ours
-- Whether the table `migrations` is the one that this service makes, and not another tool's.
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
-- How many there are, and whether they are numbered from 0 and hold all events.
select h.count, h.count <> h.next or coalesce(e.part >= h.count, false)
from (select count(*) as count, coalesce(max(part) + 1, 0) as next from heads) h
left join lateral (select part from events order by part desc limit 1) e on true;

-- name: add_partitions
insert into heads (part) select part from generate_series(0, %(partitions)s - 1) as part;
