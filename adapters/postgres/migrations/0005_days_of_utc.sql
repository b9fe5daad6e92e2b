-- The day of a rollup is one of UTC. Sessions of another time zone have rolled up other hours than those of the day: where
-- a rollup is not what its values amount to, it is made again. The values themselves were never wrong.

do $mend$
declare
    g integer;
begin
    -- No projector writes a page meanwhile.
    perform from leases where view = 'outcomes' order by part, generation for update;
    for g in select generation from views where view = 'outcomes' and grown order by generation loop
        execute format(
            $sql$
            insert into subject_days_g%1$s as t (
                part, source, unit, subject_id, day, count, sum, sum_squares, minimum, maximum, mean
            )
            select e.part, e.source, e.unit, e.subject_id, (e.at at time zone 'UTC')::date, count(*),
                trim_scale(sum(e.value::numeric)), trim_scale(sum(e.value::numeric * e.value::numeric)),
                min(e.number), max(e.number), (sum(e.value::numeric) / count(*))::float8
            from entries_g%1$s e
            group by e.part, e.source, e.unit, e.subject_id, (e.at at time zone 'UTC')::date
            on conflict (part, source, unit, subject_id, day) do update set
                count = excluded.count, sum = excluded.sum, sum_squares = excluded.sum_squares,
                minimum = excluded.minimum, maximum = excluded.maximum, mean = excluded.mean
            where (t.count, t.sum, t.sum_squares, t.minimum, t.maximum, t.mean) is distinct from
                (excluded.count, excluded.sum, excluded.sum_squares, excluded.minimum, excluded.maximum, excluded.mean)
            $sql$,
            g
        );
        execute format(
            $sql$
            delete from subject_days_g%1$s t
            where not exists (
                select from entries_g%1$s e
                where e.part = t.part and e.source = t.source and e.unit = t.unit and e.subject_id = t.subject_id
                    and (e.at at time zone 'UTC')::date = t.day
            )
            $sql$,
            g
        );
        execute format(
            $sql$
            insert into subjects_g%1$s as t (part, source, unit, subject_id, days, sum_x, sum_y, sum_xy)
            select s.part, s.source, s.unit, s.subject_id, count(*), sum(s.day - date '2000-01-01'),
                trim_scale(sum(s.mean::numeric)), trim_scale(sum((s.day - date '2000-01-01') * s.mean::numeric))
            from subject_days_g%1$s s
            group by s.part, s.source, s.unit, s.subject_id
            on conflict (part, source, unit, subject_id) do update set
                days = excluded.days, sum_x = excluded.sum_x, sum_y = excluded.sum_y, sum_xy = excluded.sum_xy
            where (t.days, t.sum_x, t.sum_y, t.sum_xy) is distinct from
                (excluded.days, excluded.sum_x, excluded.sum_y, excluded.sum_xy)
            $sql$,
            g
        );
        execute format(
            $sql$
            delete from subjects_g%1$s t
            where not exists (
                select from subject_days_g%1$s s
                where s.part = t.part and s.source = t.source and s.unit = t.unit and s.subject_id = t.subject_id
            )
            $sql$,
            g
        );
        execute format(
            $sql$
            insert into days_g%1$s as t (part, source, unit, day, count, sum, sum_squares, minimum, maximum)
            select s.part, s.source, s.unit, s.day, sum(s.count), trim_scale(sum(s.sum)), trim_scale(sum(s.sum_squares)),
                min(s.minimum), max(s.maximum)
            from subject_days_g%1$s s
            group by s.part, s.source, s.unit, s.day
            on conflict (part, source, unit, day) do update set
                count = excluded.count, sum = excluded.sum, sum_squares = excluded.sum_squares,
                minimum = excluded.minimum, maximum = excluded.maximum
            where (t.count, t.sum, t.sum_squares, t.minimum, t.maximum) is distinct from
                (excluded.count, excluded.sum, excluded.sum_squares, excluded.minimum, excluded.maximum)
            $sql$,
            g
        );
        execute format(
            $sql$
            delete from days_g%1$s t
            where not exists (
                select from subject_days_g%1$s s
                where s.part = t.part and s.source = t.source and s.unit = t.unit and s.day = t.day
            )
            $sql$,
            g
        );
    end loop;
end
$mend$;
