-- name: asker
-- The row of whoever asks: see adapters/postgres/asker.py.
select json_build_array(u.role, u.password_changes, extract(epoch from u.password_changed_at))
from users u where u.id = %(actor_id)s;

-- name: institutions
-- Who asks, how many there are, and those of the page: in one snapshot.
select a.asker, a.total, i.id, i.type, i.name, i.address, i.latitude, i.longitude
from (
    select
        (
            select json_build_array(u.role, u.password_changes, extract(epoch from u.password_changed_at))
            from users u where u.id = %(actor_id)s
        ) as asker,
        (select count(*) from institutions i where {condition}) as total
) a
left join lateral (
    select i.id, i.type, i.name, i.address, i.latitude, i.longitude from institutions i
    where {condition}
    order by i.id desc
    limit %(limit)s offset %(offset)s
) i on true
order by i.id desc;

-- name: users
-- The same of one role, with the children of a family and the groups of those who own such.
select a.asker, a.total, u.id, u.role, u.username, u.institution_id, u.profile::text,
    (select coalesce(array_agg(t.child_id order by t.child_id), '{{}}') from ties t where t.group_id = u.id),
    (
        select coalesce(json_agg(json_build_object(
            'id', g.id, 'name', g.name, 'school_class', g.school_class, 'children', (
                select coalesce(json_agg(t.child_id order by t.child_id), '[]') from ties t where t.group_id = g.id
            )
        ) order by g.id), '[]')::text
        from groups g where g.owner_id = u.id
    )
from (
    select
        (
            select json_build_array(u.role, u.password_changes, extract(epoch from u.password_changed_at))
            from users u where u.id = %(actor_id)s
        ) as asker,
        (select count(*) from users u where u.role = %(role)s and {condition}) as total
) a
left join lateral (
    select u.id, u.role, u.username, u.institution_id, u.profile from users u
    where u.role = %(role)s and {condition}
    order by u.id desc
    limit %(limit)s offset %(offset)s
) u on true
order by u.id desc;

-- name: groups
-- The same of one owner's groups, with their children.
select a.asker, a.total, g.id, g.name,
    (select coalesce(array_agg(t.child_id order by t.child_id), '{{}}') from ties t where t.group_id = g.id),
    g.school_class
from (
    select
        (
            select json_build_array(u.role, u.password_changes, extract(epoch from u.password_changed_at))
            from users u where u.id = %(actor_id)s
        ) as asker,
        (select count(*) from groups g where g.owner_id = %(actor_id)s and {condition}) as total
) a
left join lateral (
    select g.id, g.name, g.school_class from groups g
    where g.owner_id = %(actor_id)s and {condition}
    order by g.id desc
    limit %(limit)s offset %(offset)s
) g on true
order by g.id desc;

-- name: credentials
-- What the password of somebody who is there is checked against.
select json_build_array(u.role, u.password_changes, extract(epoch from u.password_changed_at)),
    u.username, u.password_hash
from users u where u.id = %(user_id)s;
