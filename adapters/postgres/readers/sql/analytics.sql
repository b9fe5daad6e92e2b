-- name: standing
-- How far the log and a live view are in some partitions: in one snapshot. Of the log counts what there was at `ends`, where
-- these are known.
select h.part, least(coalesce(e.seq, 0), h.past) as head, coalesce(p.seq, 0) as place
from unnest(%(parts)s::smallint[], %(ends)s::bigint[]) as h (part, past)
left join lateral (select e.seq from events e where e.part = h.part order by e.seq desc limit 1) e on true
left join lateral (
    select p.seq from places p
    where p.part = h.part and p.view = %(view)s
        and p.generation = (select v.generation from views v where v.view = %(view)s and v.live)
    order by p.seq desc limit 1
) p on true;

-- name: fresh
-- An answer, and whether the view has seen all that it rests on: in one snapshot, so that a view which a crash has thrown
-- back in between is noticed. Where it has not, `wanted` says how far it must come in which partitions, and there are no
-- rows; `ends` are the ends of the log.
with standing as ({standing}),
{level}
select l.wanted,
    case when l.wanted is not null then (select json_object_agg(s.part, s.head) from standing s) end as ends,
    a.*
from level l
left join (select true as is_there, a.* from ({rows}) a) a on l.wanted is null;

-- name: level_with_all
-- Where an answer may rest on every event of the partitions.
level as (
    select json_object_agg(s.part, s.head) filter (where s.place < s.head) as wanted from standing s
)

-- name: level_with_what_concerns
-- Where it rests on events that concern it: all that the view has not seen are looked at, `most` of them at most. Those that
-- are `added` to the answer itself need not be waited for.
unseen as materialized (
    select e.part, e.seq, e.topic, e.said, {concerns} as concerns
    from (
        select s.part, e.seq, e.topic, convert_from(e.state, 'UTF8')::json as said
        from standing s
        cross join lateral (
            select e.seq, e.topic, e.state from events e
            where e.part = s.part and e.seq > s.place and e.seq <= s.head
            order by e.seq
            limit %(most)s
        ) e
        limit %(most)s
    ) e
),
level as (
    select case
        when count(*) >= %(most)s
            then (select json_object_agg(s.part, s.head) from standing s where s.place < s.head)
        else (
            select json_object_agg(w.part, w.seq)
            from (
                select u.part, max(u.seq) as seq
                from unseen u
                where u.concerns and u.topic <> all (%(added)s::text[])
                group by u.part
            ) w
        )
    end as wanted
    from unseen
)

-- name: concerns
-- Whether an event may change what is answered of some sources. Of a measurement that is removed only the kind is sure, as of
-- one that is revised: it may have been another institution's before. Of an event that is not told here nothing is sure.
case
    when e.topic = 'entry.recorded.v1' then e.said ->> 'outcome_id' = any (%(of_sources)s::text[])
    when e.topic = 'measurement.recorded.v1'
        then (e.said ->> 'institution_id') || '/' || (e.said ->> 'kind') = any (%(of_sources)s::text[])
    when e.topic in ('measurement.revised.v1', 'measurement.removed.v1', 'measurement.removed.v2')
        then e.said ->> 'kind' = any (%(of_kinds)s::text[])
    when e.topic = 'measurements.withdrawn.v1' then cardinality(%(of_kinds)s::text[]) > 0
    else e.topic = any (%(topics)s::text[])
end
and (
    %(of_subject)s::text is null
    or coalesce(e.said ->> 'subject_id', e.said ->> 'child_id', %(of_subject)s) = %(of_subject)s
)

-- name: periods
-- Per day, week (from Monday) or month, over all partitions and sources: from the rollups of whole days, and at the ends of
-- a period from the values of what it has of a day. Per day first, since dates are dear to cut. Entries that the view has not
-- seen are added to it, in the same snapshot. A mean is the same double however its sum came about: sums are exact, and have
-- no zeros at their end.
select date_trunc(%(granularity)s, d.day::timestamp)::date as start, sum(d.count)::bigint as count,
    (trim_scale(sum(d.sum)) / sum(d.count))::float8 as mean, min(d.minimum) as minimum, max(d.maximum) as maximum
from (
    select d.day, sum(d.count) as count, sum(d.sum) as sum, min(d.minimum) as minimum, max(d.maximum) as maximum
    from (
        {daily}
        union all
        select (e.at at time zone 'UTC')::date, 1, e.value::numeric, null, e.value::float8, e.value::float8
        from (
            select (u.said ->> 'happened_at')::timestamptz as at, u.said ->> 'value' as value
            from unseen u
            where u.concerns and u.topic = 'entry.recorded.v1'
        ) e
        where {in_period}
    ) d
    group by d.day
) d
group by 1
order by 1;

-- name: summary
-- Of one moment. Sums are exact: the variance is divided once.
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
cross join ({slopes}) s;

-- name: summary_of_one_source
-- The same of all values of one source: the median by its place in an index, the slopes from what is kept of subjects.
select t.count, s.subjects, t.mean,
    (
        select avg(m.number)
        from (
            select e.number from entries e
            where e.source = %(source)s
            order by e.number
            limit 2 - t.count %% 2 offset greatest(t.count - 1, 0) / 2
        ) m
    ),
    t.deviation, t.minimum, t.maximum,
    (select min(e.at) from entries e where e.source = %(source)s),
    (select max(e.at) from entries e where e.source = %(source)s),
    s.followed, s.rising, s.falling
from (
    select coalesce(sum(d.count), 0)::bigint as count, (sum(d.sum) / sum(d.count))::float8 as mean,
        sqrt(case when sum(d.count) > 1 then
            (sum(d.count) * sum(d.sum_squares) - sum(d.sum) * sum(d.sum)) / (sum(d.count) * (sum(d.count) - 1))
        end)::float8 as deviation,
        min(d.minimum) as minimum, max(d.maximum) as maximum
    from ({daily}) d
) t
cross join ({slopes}) s;

-- name: slopes
-- How many subjects there are, how many of them have values on two days or more, and whose daily means rise or fall.
select count(*) as subjects, count(*) filter (where s.days > 1) as followed,
    count(*) filter (where s.slope > 0) as rising, count(*) filter (where s.slope < 0) as falling
from ({each}) s;

-- name: slope_of_each
-- Of each subject, on how many days it has values, and the sign of the slope of its daily means. It is exact: reckoned with
-- fractions over the common multiple of the numbers of values that its days have.
select d.subject_id, sum(d.days) as days,
    sign(sum(d.days) * sum(d.sum_xy * d.share) - sum(d.sum_x) * sum(d.sum_y * d.share)) as slope
from (
    select d.subject_id, d.days, d.sum_x, d.sum_y, d.sum_xy,
        div(common_multiple(d.count) over (partition by d.subject_id), d.count) as share
    from ({like_days}) d
) d
group by d.subject_id;

-- name: like_days
-- Of each subject, its days that have as many values as each other.
select d.subject_id, d.count, count(*) as days, sum(d.x) as sum_x, sum(d.sum) as sum_y, sum(d.x * d.sum) as sum_xy
from (
    select r.subject_id, r.day - date '2000-01-01' as x, sum(r.sum) as sum, sum(r.count) as count
    from ({of_subjects}) r
    group by r.subject_id, r.day
) d
group by d.subject_id, d.count;

-- name: like_days_of_one_source
-- The same of whole days of one source, as they are kept.
select s.subject_id, s.count::numeric, s.days, s.sum_x, s.sum_y, s.sum_xy from subjects s
where s.part = any (%(parts)s::smallint[]) and s.source = %(source)s;

-- name: slope_of_each_of_one_source
-- Mostly all days of all subjects have as many values as each other: then each subject has one row, and no fractions.
select s.subject_id, s.days, sign(s.days * s.sum_xy - s.sum_x * s.sum_y) as slope
from ({like_days}) s
where (select min(c.count) = max(c.count) from ({like_days}) c)
union all
select s.subject_id, s.days, s.slope
from ({slope_of_each}) s
where (select min(c.count) < max(c.count) from ({like_days}) c);

-- name: pairs
-- The daily means of two outcomes, of one subject on one day.
select a.mean, b.mean
from ({means}) a
join ({other_means}) b on b.subject_id = a.subject_id and b.day = a.day
order by a.subject_id, a.day;

-- name: changes
-- The first and the last value of every subject that has two or more, as they were written, and its cohort, as its first
-- entry tells it.
select f.cohort, f.value, l.value
from (
    select distinct on (e.subject_id) e.subject_id, e.id, e.value, nullif(e.metadata, '')::json ->> %(by)s as cohort
    from entries e
    where {of_entries} and {in_period}
    order by e.subject_id, e.at, e.id
) f
join (
    select distinct on (e.subject_id) e.subject_id, e.id, e.value
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

-- name: of_subjects
-- The rollups of subjects and days, and the values of parts of days.
select r.subject_id, r.day, r.sum, r.count from subject_days r where {of_rollup}
union all
select e.subject_id, (e.at at time zone 'UTC')::date, e.value::numeric, 1 from entries e
where {of_entries} and {in_ends};

-- name: means
-- Daily means per subject: the rollups' own where a subject can have but one of a day, else of all sources and units.
select r.subject_id, r.day, (sum(r.sum) / sum(r.count))::float8 as mean
from ({of_subjects}) r
group by r.subject_id, r.day;

-- name: means_of_one_source
select r.subject_id, r.day, r.mean from subject_days r where {of_rollup};
