-- name: standing
-- How far the log and a live view are in some partitions: in one snapshot.
select h.part, coalesce(e.seq, 0) as head, coalesce(p.seq, 0) as place
from unnest(%(parts)s::smallint[]) as h (part)
left join lateral (select e.seq from events e where e.part = h.part order by e.seq desc limit 1) e on true
left join lateral (
    select p.seq from places p
    where p.part = h.part and p.view = %(view)s
        and p.generation = (select v.generation from views v where v.view = %(view)s and v.live)
    order by p.seq desc limit 1
) p on true;

-- name: unseen
-- What a live view has not seen of the log in some partitions, a beginning of each in order of seq; `most` of it at most.
select e.part, e.seq, e.topic, e.said
from ({standing}) s
cross join lateral (
    select e.part, e.seq, e.topic, convert_from(e.state, 'UTF8')::json as said
    from events e
    where e.part = s.part and e.seq > s.place
    order by e.seq
    limit %(most)s
) e
limit %(most)s;

-- name: concerns
-- Whether an event may change what is answered of some sources. Of a measurement that is removed only the kind is sure, as of
-- one that is revised: it may have been another institution's before. Of an event that is not told here nothing is sure.
case
    when e.topic = 'entry.recorded.v1' then e.said ->> 'outcome_id' = any (%(sources)s::text[])
    when e.topic = 'measurement.recorded.v1'
        then (e.said ->> 'institution_id') || '/' || (e.said ->> 'kind') = any (%(sources)s::text[])
    when e.topic in ('measurement.revised.v1', 'measurement.removed.v1', 'measurement.removed.v2')
        then e.said ->> 'kind' = any (%(kinds)s::text[])
    when e.topic = 'measurements.withdrawn.v1' then cardinality(%(kinds)s::text[]) > 0
    else e.topic = any (%(topics)s::text[])
end
and (
    %(of_subject)s::text is null
    or coalesce(e.said ->> 'subject_id', e.said ->> 'child_id', %(of_subject)s) = %(of_subject)s
)

-- name: concerning
-- Of each partition with events that a live view has not seen: how many, and the last that may change the answer.
select e.part, count(*), coalesce(max(e.seq) filter (where {concerns}), 0) from ({unseen}) e group by e.part;

-- name: periods
-- Per day, week (from Monday) or month, over all partitions and sources: from the rollups of whole days, and at the ends of
-- a period from the values of what it has of a day. Per day first, since dates are dear to cut. Entries that the view has not
-- seen are added to it, in the same snapshot; whether that is not enough stands in the first column. A mean is the same
-- double however its sum came about: sums are exact, and have no zeros at their end.
with unseen as materialized (
    select e.topic, e.said, {concerns} as concerns from ({unseen}) e
),
came as materialized (
    select (e.said ->> 'happened_at')::timestamptz as at, e.said ->> 'value' as value
    from unseen e
    where e.concerns and e.topic = 'entry.recorded.v1'
)
select u.incomplete, p.start, p.count, p.mean, p.minimum, p.maximum
from (
    select count(*) >= %(most)s or coalesce(bool_or(e.concerns and e.topic <> 'entry.recorded.v1'), false) as incomplete
    from unseen e
) u
left join (
    select date_trunc(%(granularity)s, d.day::timestamp)::date as start, sum(d.count)::bigint as count,
        (trim_scale(sum(d.sum)) / sum(d.count))::float8 as mean, min(d.minimum) as minimum, max(d.maximum) as maximum
    from (
        select d.day, sum(d.count) as count, sum(d.sum) as sum, min(d.minimum) as minimum, max(d.maximum) as maximum
        from (
            {daily}
            union all
            select (e.at at time zone 'UTC')::date, 1, e.value::numeric, null, e.value::float8, e.value::float8
            from came e
            where {in_period}
        ) d
        group by d.day
    ) d
    group by 1
) p on true
order by p.start;

-- name: summary
-- In one statement, so of one moment. Sums are exact: the variance is divided once. Of the subjects with values on two days
-- or more: how many there are, and whose daily means rise or fall; only the sign of the slope counts, so the means are
-- scaled by a power of two, whose squares no double overflows.
select t.count, s.subjects, t.mean, m.median, t.deviation, t.minimum, t.maximum, m.first_at, m.last_at,
    s.followed, s.rising, s.falling
from (
    select coalesce(sum(d.count), 0)::bigint as count, (sum(d.sum) / sum(d.count))::float8 as mean,
        sqrt(case when sum(d.count) > 1 then
            (sum(d.count) * sum(d.sum_squares) - sum(d.sum) * sum(d.sum)) / (sum(d.count) * (sum(d.count) - 1))
        end)::float8 as deviation,
        min(d.minimum) as minimum, max(d.maximum) as maximum
    from ({daily}) d
) t
cross join (
    select percentile_cont(0.5) within group (order by e.number) as median, min(e.at) as first_at, max(e.at) as last_at
    from entries e
    where {of_entries} and {in_period}
) m
cross join (
    select count(*) as subjects, count(*) filter (where s.days > 1) as followed,
        count(*) filter (where s.slope > 0) as rising, count(*) filter (where s.slope < 0) as falling
    from (
        select m.subject_id, count(*) as days,
            case when min(m.mean) < max(m.mean) then
                regr_slope(m.mean * power(2::float8, -532), (m.day - date '2000-01-01')::float8)
            end as slope
        from ({means}) m
        group by m.subject_id
    ) s
) s;

-- name: summary_of_one_source
-- The same of all values of one source: the median by its place in an index, the slopes from what is kept of subjects.
with t as (
    select coalesce(sum(d.count), 0)::bigint as count, (sum(d.sum) / sum(d.count))::float8 as mean,
        sqrt(case when sum(d.count) > 1 then
            (sum(d.count) * sum(d.sum_squares) - sum(d.sum) * sum(d.sum)) / (sum(d.count) * (sum(d.count) - 1))
        end)::float8 as deviation,
        min(d.minimum) as minimum, max(d.maximum) as maximum
    from ({daily}) d
)
select t.count, s.subjects, t.mean,
    (
        select avg(m.number)
        from (
            select e.number from entries e
            where e.source = %(source)s
            order by e.number
            limit (select 2 - t.count %% 2 from t) offset (select greatest(t.count - 1, 0) / 2 from t)
        ) m
    ),
    t.deviation, t.minimum, t.maximum,
    (select min(e.at) from entries e where e.source = %(source)s),
    (select max(e.at) from entries e where e.source = %(source)s),
    s.followed, s.rising, s.falling
from t
cross join (
    select count(*) as subjects, count(*) filter (where s.days > 1) as followed,
        count(*) filter (where s.days > 1 and s.days * s.sum_xy > s.sum_x * s.sum_y) as rising,
        count(*) filter (where s.days > 1 and s.days * s.sum_xy < s.sum_x * s.sum_y) as falling
    from subjects s
    where s.part = any (%(parts)s::smallint[]) and s.source = %(source)s
) s;

-- name: pairs
-- The daily means of two outcomes, of one subject on one day.
select a.mean, b.mean
from ({means}) a
join ({other_means}) b on b.subject_id = a.subject_id and b.day = a.day
order by a.subject_id, a.day;

-- name: changes
-- The first and the last value of every subject that has two or more, and its cohort, as its first entry tells it.
select f.cohort, f.number, l.number
from (
    select distinct on (e.subject_id) e.subject_id, e.id, e.number, nullif(e.metadata, '')::json ->> %(by)s as cohort
    from entries e
    where {of_entries} and {in_period}
    order by e.subject_id, e.at, e.id
) f
join (
    select distinct on (e.subject_id) e.subject_id, e.id, e.number
    from entries e
    where {of_entries} and {in_period}
    order by e.subject_id, e.at desc, e.id desc
) l on l.subject_id = f.subject_id and l.id <> f.id
where f.cohort is not null;

-- name: daily
select r.day, r.count, r.sum, r.sum_squares, r.minimum, r.maximum
from {rollup} r
where {of_rollup}
union all
select (e.at at time zone 'UTC')::date, 1, e.value::numeric, e.value::numeric * e.value::numeric, e.number, e.number
from entries e
where {of_entries} and {in_ends};

-- name: means
-- Daily means per subject: the rollups' own where a subject can have but one of a day, else of all sources and units.
select r.subject_id, r.day, (sum(r.sum) / sum(r.count))::float8 as mean
from (
    select r.subject_id, r.day, r.sum, r.count from subject_days r where {of_rollup}
    union all
    select e.subject_id, (e.at at time zone 'UTC')::date, e.value::numeric, 1 from entries e
    where {of_entries} and {in_ends}
) r
group by r.subject_id, r.day;

-- name: means_of_one_source
select r.subject_id, r.day, r.mean from subject_days r where {of_rollup};
