-- name: outcomes
-- The actor, the number of outcomes, and those of the page, in one snapshot.
select a.actor, a.total, p.of_page, p.id, p.name, p.description, p.brand_id, p.metric_key, p.unit, p.direction,
    p.created_by, p.created_at, p.updated_at
from (
    select ({actor}) as actor, (select count(*) from outcomes o where {condition}) as total
) a
left join (
    select p.*, {cut}
    from (
        select o.id, o.name, o.description, o.brand_id, o.metric_key, o.unit, o.direction, o.created_by, o.created_at,
            o.updated_at, octet_length(o.name) + coalesce(octet_length(o.description), 0) + octet_length(o.brand_id)
                + octet_length(o.metric_key) + coalesce(octet_length(o.unit), 0) as size
        from outcomes o
        where {condition} and {rest}
        order by o.id desc
        limit %(limit)s offset %(offset)s
    ) p
) p on p.before < %(bytes)s
order by p.id desc;

-- name: entries
-- The number of entries, and those of the page.
select t.total, p.of_page, p.id, p.subject_id, p.brand_id, p.value, p.at, p.metadata
from (select count(*) as total from entries e where {condition}) t
left join (
    select p.*, {cut}
    from (
        select e.id, e.subject_id, e.brand_id, e.value, e.at, e.metadata,
            octet_length(e.subject_id) + octet_length(e.brand_id) + octet_length(e.metadata) as size
        from entries e
        where {condition} and {rest}
        order by e.at desc, e.id desc
        limit %(limit)s offset %(offset)s
    ) p
) p on p.before < %(bytes)s
order by p.at desc, p.id desc;
