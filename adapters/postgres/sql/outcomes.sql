-- name: outcomes
-- Who asks, how many there are, and those of the page: in one snapshot.
select a.asker, a.total, o.id, o.name, o.description, o.brand_id, o.metric_key, o.unit, o.direction, o.created_by,
    o.created_at, o.updated_at
from (
    select
        (
            select json_build_array(u.role, u.password_changes, extract(epoch from u.password_changed_at))
            from users u where u.id = %(actor_id)s
        ) as asker,
        (select count(*) from outcomes o where {condition}) as total
) a
left join lateral (
    select o.id, o.name, o.description, o.brand_id, o.metric_key, o.unit, o.direction, o.created_by, o.created_at,
        o.updated_at
    from outcomes o
    where {condition}
    order by o.id desc
    limit %(limit)s offset %(offset)s
) o on true
order by o.id desc;

-- name: entries
-- How many there are, and those of the page.
select t.total, e.id, e.subject_id, e.brand_id, e.value, e.at, e.metadata
from (select count(*) as total from entries e where {condition}) t
left join (
    select e.id, e.subject_id, e.brand_id, e.value, e.at, e.metadata
    from entries e
    where {condition}
    order by e.at desc, e.id desc
    limit %(limit)s offset %(offset)s
) e on true
order by e.at desc, e.id desc;
