-- name: create_entries
-- Every value that an outcome may be computed from. `source` is an outcome, or for a measurement its institution and kind;
-- `unit` and `brand_id` are empty if they do not apply. `value` is the value as sent, `number` the nearest double.
create table {entries} (
    part smallint not null,
    subject_id text collate "C" not null,
    source text collate "C" not null,
    unit text collate "C" not null,
    at timestamptz not null,
    id text collate "C" not null,
    value text collate "C" not null,
    number float8 not null,
    brand_id text collate "C" not null,
    metadata text collate "C" not null,
    primary key (part, subject_id, source, unit, at, id)
);

-- name: index_entries_by_time
create index on {entries} (source, at, id);

-- name: index_entries_by_number
-- For medians.
create index on {entries} (source, number);

-- name: create_subject_days
-- The rollup of a subject's values of one day (UTC). Sums are exact.
create table {subject_days} (
    part smallint not null,
    source text collate "C" not null,
    unit text collate "C" not null,
    subject_id text collate "C" not null,
    day date not null,
    count integer not null,
    sum numeric not null,
    sum_squares numeric not null,
    minimum float8 not null,
    maximum float8 not null,
    mean float8 not null,
    primary key (part, source, unit, subject_id, day)
);

-- name: create_subjects
-- The sums that give the slope of a subject's daily means, over its days with `count` values: x is days since 2000, y the sum
-- of a day's values. Sums are exact, means need not be.
create table {subjects} (
    part smallint not null,
    source text collate "C" not null,
    unit text collate "C" not null,
    subject_id text collate "C" not null,
    count integer not null,
    days integer not null,
    sum_x bigint not null,
    sum_y numeric not null,
    sum_xy numeric not null,
    primary key (part, source, unit, subject_id, count)
);

-- name: create_days
-- The rollup of all values of one day in one partition.
create table {days} (
    part smallint not null,
    source text collate "C" not null,
    unit text collate "C" not null,
    day date not null,
    count integer not null,
    sum numeric not null,
    sum_squares numeric not null,
    minimum float8 not null,
    maximum float8 not null,
    primary key (part, source, unit, day)
);

-- name: index_days_by_source
create index on {days} (source, day);

-- name: stored_rows
select part, subject_id, source, unit, at, id, value, number, brand_id, metadata
from {entries}
where part = %(part)s
order by part, subject_id, source, unit, at, id;

-- name: upsert
-- An existing value comes from a page that is written again.
insert into {entries} (part, subject_id, source, unit, at, id, value, number, brand_id, metadata)
select * from unnest(
    %b::smallint[], %b::text[], %b::text[], %b::text[], %b::timestamptz[], %b::text[], %b::text[], %b::float8[],
    %b::text[], %b::text[]
)
on conflict (part, subject_id, source, unit, at, id) do update set
    value = excluded.value, number = excluded.number, brand_id = excluded.brand_id, metadata = excluded.metadata;

-- name: insert
-- While a rebuild fills the generation, no value exists yet.
insert into {entries} (part, subject_id, source, unit, at, id, value, number, brand_id, metadata)
select * from unnest(
    %b::smallint[], %b::text[], %b::text[], %b::text[], %b::timestamptz[], %b::text[], %b::text[], %b::float8[],
    %b::text[], %b::text[]
);

-- name: delete_values
-- Deletes values that were removed or revised. Returns their days.
delete from {entries} e
using unnest(%b::smallint[], %b::text[], %b::text[]) as r (part, subject_id, id)
where e.part = r.part and e.subject_id = r.subject_id and e.id = r.id
returning e.part, e.source, e.unit, e.subject_id, (e.at at time zone 'UTC')::date;

-- name: delete_withdrawn
-- Deletes the measurements of a removed child. Entries about it belong to a brand, and stay.
delete from {entries} e
using unnest(%b::smallint[], %b::text[]) as w (part, subject_id)
where e.part = w.part and e.subject_id = w.subject_id and e.brand_id = ''
returning e.part, e.source, e.unit, e.subject_id, (e.at at time zone 'UTC')::date;

-- name: roll_up
-- Computes the days of subjects from their values, because a page may come twice, and adjusts `subjects` and `days` by the
-- difference. Sums are exact, so adjusting gives the same as adding up. trim_scale makes 1.0 and 1.00 equal, whatever the plan
-- adds first. Returns the subjects of days that existed before: their old rows may now be empty.
with touched as (
    select * from unnest(%b::smallint[], %b::text[], %b::text[], %b::text[], %b::date[])
        as d (part, source, unit, subject_id, day)
),
old as (
    select s.part, s.source, s.unit, s.subject_id, s.day, s.count, s.sum, s.sum_squares
    from touched d
    join {subject_days} s on s.part = d.part and s.source = d.source and s.unit = d.unit
        and s.subject_id = d.subject_id and s.day = d.day
),
new as (
    insert into {subject_days} (
        part, source, unit, subject_id, day, count, sum, sum_squares, minimum, maximum, mean
    )
    select d.part, d.source, d.unit, d.subject_id, d.day, count(*), trim_scale(sum(e.value::numeric)),
        trim_scale(sum(e.value::numeric * e.value::numeric)), min(e.number), max(e.number),
        (sum(e.value::numeric) / count(*))::float8
    from touched d
    cross join lateral (
        select e.value, e.number from {entries} e
        where e.part = d.part and e.subject_id = d.subject_id and e.source = d.source and e.unit = d.unit
            and e.at >= d.day::timestamp at time zone 'UTC'
            and e.at < (d.day + 1)::timestamp at time zone 'UTC'
    ) e
    group by d.part, d.source, d.unit, d.subject_id, d.day
    on conflict (part, source, unit, subject_id, day) do update set
        count = excluded.count, sum = excluded.sum, sum_squares = excluded.sum_squares,
        minimum = excluded.minimum, maximum = excluded.maximum, mean = excluded.mean
    returning part, source, unit, subject_id, day, count, sum, sum_squares, minimum, maximum
),
change as (
    select n.part, n.source, n.unit, n.subject_id, n.day, n.count, n.sum, n.sum_squares, n.minimum, n.maximum,
        n.count as of_day, 1 as days, n.day - date '2000-01-01' as x
    from new n
    union all
    select o.part, o.source, o.unit, o.subject_id, o.day, -o.count, -o.sum, -o.sum_squares, null, null,
        o.count, -1, o.day - date '2000-01-01'
    from old o
),
of_subjects as (
    insert into {subjects} as t (part, source, unit, subject_id, count, days, sum_x, sum_y, sum_xy)
    select c.part, c.source, c.unit, c.subject_id, c.of_day, sum(c.days), sum(c.days * c.x), trim_scale(sum(c.sum)),
        trim_scale(sum(c.x * c.sum))
    from change c
    group by c.part, c.source, c.unit, c.subject_id, c.of_day
    on conflict (part, source, unit, subject_id, count) do update set
        days = t.days + excluded.days, sum_x = t.sum_x + excluded.sum_x,
        sum_y = trim_scale(t.sum_y + excluded.sum_y), sum_xy = trim_scale(t.sum_xy + excluded.sum_xy)
),
of_days as (
    insert into {days} as t (part, source, unit, day, count, sum, sum_squares, minimum, maximum)
    select c.part, c.source, c.unit, c.day, sum(c.count), trim_scale(sum(c.sum)), trim_scale(sum(c.sum_squares)),
        min(c.minimum), max(c.maximum)
    from change c
    group by c.part, c.source, c.unit, c.day
    on conflict (part, source, unit, day) do update set
        count = t.count + excluded.count, sum = trim_scale(t.sum + excluded.sum),
        sum_squares = trim_scale(t.sum_squares + excluded.sum_squares),
        minimum = least(t.minimum, excluded.minimum), maximum = greatest(t.maximum, excluded.maximum)
)
select o.part, o.source, o.unit, o.subject_id from old o;

-- name: delete_subject_days
-- If values were deleted, minimum and maximum cannot be adjusted: the days are computed again.
with gone as (
    delete from {subject_days} s
    using unnest(%b::smallint[], %b::text[], %b::text[], %b::text[], %b::date[])
        as d (part, source, unit, subject_id, day)
    where s.part = d.part and s.source = d.source and s.unit = d.unit and s.subject_id = d.subject_id
        and s.day = d.day
    returning s.part, s.source, s.unit, s.subject_id, s.count, s.day - date '2000-01-01' as x, s.sum as y
)
update {subjects} t
set days = t.days - c.days, sum_x = t.sum_x - c.sum_x, sum_y = trim_scale(t.sum_y - c.sum_y),
    sum_xy = trim_scale(t.sum_xy - c.sum_xy)
from (
    select g.part, g.source, g.unit, g.subject_id, g.count, count(*) as days, sum(g.x) as sum_x, sum(g.y) as sum_y,
        sum(g.x * g.y) as sum_xy
    from gone g
    group by g.part, g.source, g.unit, g.subject_id, g.count
) c
where t.part = c.part and t.source = c.source and t.unit = c.unit and t.subject_id = c.subject_id
    and t.count = c.count;

-- name: delete_empty_subjects
-- Rows that no longer stand for any day.
delete from {subjects} t
using unnest(%b::smallint[], %b::text[], %b::text[], %b::text[]) as d (part, source, unit, subject_id)
where t.part = d.part and t.source = d.source and t.unit = d.unit and t.subject_id = d.subject_id and t.days = 0;

-- name: delete_days
delete from {days} t
using unnest(%b::smallint[], %b::text[], %b::text[], %b::date[]) as d (part, source, unit, day)
where t.part = d.part and t.source = d.source and t.unit = d.unit and t.day = d.day;

-- name: roll_up_days
-- Computes days that have no row from the days of their subjects.
insert into {days} (part, source, unit, day, count, sum, sum_squares, minimum, maximum)
select d.part, d.source, d.unit, d.day, sum(s.count), trim_scale(sum(s.sum)), trim_scale(sum(s.sum_squares)),
    min(s.minimum), max(s.maximum)
from unnest(%b::smallint[], %b::text[], %b::text[], %b::date[]) as d (part, source, unit, day)
join {subject_days} s on s.part = d.part and s.source = d.source and s.unit = d.unit and s.day = d.day
group by d.part, d.source, d.unit, d.day;

-- name: subject_days_rollup
-- All rollups, computed from the values; the sums equal those of `roll_up`.
select e.part, e.source, e.unit, e.subject_id, (e.at at time zone 'UTC')::date as day, count(*)::integer as count,
    trim_scale(sum(e.value::numeric)) as sum, trim_scale(sum(e.value::numeric * e.value::numeric)) as sum_squares,
    min(e.number) as minimum, max(e.number) as maximum, (sum(e.value::numeric) / count(*))::float8 as mean
from {entries} e
group by e.part, e.source, e.unit, e.subject_id, (e.at at time zone 'UTC')::date;

-- name: subjects_rollup
select s.part, s.source, s.unit, s.subject_id, s.count, count(*)::integer as days,
    sum(s.day - date '2000-01-01') as sum_x, trim_scale(sum(s.sum)) as sum_y,
    trim_scale(sum((s.day - date '2000-01-01') * s.sum)) as sum_xy
from {subject_days} s
group by s.part, s.source, s.unit, s.subject_id, s.count;

-- name: days_rollup
select s.part, s.source, s.unit, s.day, sum(s.count)::integer as count, trim_scale(sum(s.sum)) as sum,
    trim_scale(sum(s.sum_squares)) as sum_squares, min(s.minimum) as minimum, max(s.maximum) as maximum
from {subject_days} s
group by s.part, s.source, s.unit, s.day;
