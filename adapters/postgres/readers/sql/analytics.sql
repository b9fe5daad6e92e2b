-- name: standing
-- How far the log and a live view are in some partitions, in one snapshot. Events after `ends` do not count, if these
-- are known.
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
-- An answer, and whether the view has seen all events that it depends on. Both come from one snapshot, so that a crash
-- that sets the view back in between is noticed. If events are missing, `wanted` says which partitions must advance how
-- far, `ends` are the ends of the log, and there are no rows.
with standing as ({standing}),
{level}
select l.wanted,
    case when l.wanted is not null then (select json_object_agg(s.part, s.head) from standing s) end as ends,
    a.*
from level l
left join (select true as is_there, a.* from ({rows}) a) a on l.wanted is null;

-- name: level_with_all
-- For an answer that may depend on any event of the partitions.
level as (
    select json_object_agg(s.part, s.head) filter (where s.place < s.head) as wanted from standing s
)

-- name: level_with_what_concerns
-- For an answer that depends on certain events only. It examines the events that the view has not seen, up to `most` of
-- them. Those of the topics `added` are merged into the answer, so the view need not have seen them.
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
-- Whether an event may change the answer for some sources. A removed or revised measurement matches by its kind alone,
-- because it may have belonged to another institution before. Any other event matches by its topic.
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
-- Per day, week (from Monday) or month, over all partitions and sources. Whole days come from the rollups, and partial
-- days at the ends of a period from their values. The query groups by day first, because truncating dates is expensive.
-- Entries that the view has not seen are added in the same snapshot. Sums are exact and have no trailing zeros, so that
-- a mean is the same double in whatever order its values were added.
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
-- All figures come from one snapshot. Sums are exact; only the variance itself is divided.
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
-- The same for all values of one source: the median comes from its position in an index, the slopes from the stored
-- sums of subjects.
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
-- The number of subjects, of those with values on two days or more, and of those whose daily means rise or fall.
select count(*) as subjects, count(*) filter (where s.days > 1) as followed,
    count(*) filter (where s.slope > 0) as rising, count(*) filter (where s.slope < 0) as falling
from ({each}) s;

-- name: slope_of_each
-- For each subject, the number of days with values, and the sign of the slope of its daily means. The sign is exact: it
-- is computed with fractions over a common multiple of the numbers of values per day.
select d.subject_id, sum(d.days) as days,
    sign(sum(d.days) * sum(d.sum_xy * d.share) - sum(d.sum_x) * sum(d.sum_y * d.share)) as slope
from (
    select d.subject_id, d.days, d.sum_x, d.sum_y, d.sum_xy,
        div(common_multiple(d.count) over (partition by d.subject_id), d.count) as share
    from ({like_days}) d
) d
group by d.subject_id;

-- name: like_days
-- The days of each subject, grouped by their number of values.
select d.subject_id, d.count, count(*) as days, sum(d.x) as sum_x, sum(d.sum) as sum_y, sum(d.x * d.sum) as sum_xy
from (
    select r.subject_id, r.day - date '2000-01-01' as x, sum(r.sum) as sum, sum(r.count) as count
    from ({of_subjects}) r
    group by r.subject_id, r.day
) d
group by d.subject_id, d.count;

-- name: like_days_of_one_source
-- The same for the whole days of one source, which the view stores.
select s.subject_id, s.count::numeric, s.days, s.sum_x, s.sum_y, s.sum_xy from subjects s
where s.part = any (%(parts)s::smallint[]) and s.source = %(source)s;

-- name: slope_of_each_of_one_source
-- Usually all days of all subjects have the same number of values. Each subject then has one row, without fractions.
select s.subject_id, s.days, sign(s.days * s.sum_xy - s.sum_x * s.sum_y) as slope
from ({like_days}) s
where (select min(c.count) = max(c.count) from ({like_days}) c)
union all
select s.subject_id, s.days, s.slope
from ({slope_of_each}) s
where (select min(c.count) < max(c.count) from ({like_days}) c);

-- name: pairs
-- Pairs of the daily means of two outcomes, for the same subject and day.
select a.mean, b.mean
from ({means}) a
join ({other_means}) b on b.subject_id = a.subject_id and b.day = a.day
order by a.subject_id, a.day;

-- name: changes
-- The first and the last value of every subject that has two or more, as they were written, and its cohort, which comes
-- from its first entry.
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
-- The rollups per subject and day, and the values of partial days.
select r.subject_id, r.day, r.sum, r.count from subject_days r where {of_rollup}
union all
select e.subject_id, (e.at at time zone 'UTC')::date, e.value::numeric, 1 from entries e
where {of_entries} and {in_ends};

-- name: means
-- Daily means per subject, over all its sources and units.
select r.subject_id, r.day, (sum(r.sum) / sum(r.count))::float8 as mean
from ({of_subjects}) r
group by r.subject_id, r.day;

-- name: means_of_one_source
select r.subject_id, r.day, r.mean from subject_days r where {of_rollup};
