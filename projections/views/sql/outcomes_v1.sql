-- name: create_subjects
-- Version 1: one row for each subject, computed from daily means rounded to floats: x is days since 2000, y the mean.
create table {subjects} (
    part smallint not null,
    source text collate "C" not null,
    unit text collate "C" not null,
    subject_id text collate "C" not null,
    days integer not null,
    sum_x bigint not null,
    sum_y numeric not null,
    sum_xy numeric not null,
    primary key (part, source, unit, subject_id)
);

-- name: roll_up
-- Computes the days of subjects from their values, because a page may come twice, and adjusts `subjects` and `days` by the
-- difference. Sums are exact, so adjusting gives the same as adding up. trim_scale makes 1.0 and 1.00 equal, whatever the plan
-- adds first.
with touched as (
    select * from unnest(%b::smallint[], %b::text[], %b::text[], %b::text[], %b::date[])
        as d (part, source, unit, subject_id, day)
),
old as (
    select s.part, s.source, s.unit, s.subject_id, s.day, s.count, s.sum, s.sum_squares, s.mean
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
    returning part, source, unit, subject_id, day, count, sum, sum_squares, minimum, maximum, mean
),
change as (
    select n.part, n.source, n.unit, n.subject_id, n.day, n.count, n.sum, n.sum_squares, n.minimum, n.maximum,
        1 as days, n.day - date '2000-01-01' as x, n.mean::numeric as y
    from new n
    union all
    select o.part, o.source, o.unit, o.subject_id, o.day, -o.count, -o.sum, -o.sum_squares, null, null,
        -1, -(o.day - date '2000-01-01'), -o.mean::numeric
    from old o
),
of_subjects as (
    insert into {subjects} as t (part, source, unit, subject_id, days, sum_x, sum_y, sum_xy)
    select c.part, c.source, c.unit, c.subject_id, sum(c.days), sum(c.x), trim_scale(sum(c.y)),
        trim_scale(sum(c.days * c.x * c.y))
    from change c
    group by c.part, c.source, c.unit, c.subject_id
    on conflict (part, source, unit, subject_id) do update set
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
    returning s.part, s.source, s.unit, s.subject_id, s.day - date '2000-01-01' as x, s.mean::numeric as y
)
update {subjects} t
set days = t.days - c.days, sum_x = t.sum_x - c.sum_x, sum_y = trim_scale(t.sum_y - c.sum_y),
    sum_xy = trim_scale(t.sum_xy - c.sum_xy)
from (
    select g.part, g.source, g.unit, g.subject_id, count(*) as days, sum(g.x) as sum_x, sum(g.y) as sum_y,
        sum(g.x * g.y) as sum_xy
    from gone g
    group by g.part, g.source, g.unit, g.subject_id
) c
where t.part = c.part and t.source = c.source and t.unit = c.unit and t.subject_id = c.subject_id;

-- name: subjects_rollup
select s.part, s.source, s.unit, s.subject_id, count(*)::integer as days, sum(s.day - date '2000-01-01') as sum_x,
    trim_scale(sum(s.mean::numeric)) as sum_y,
    trim_scale(sum((s.day - date '2000-01-01') * s.mean::numeric)) as sum_xy
from {subject_days} s
group by s.part, s.source, s.unit, s.subject_id;
