-- name: institutions
-- The actor, the number of institutions, and those of the page, in one snapshot.
select a.actor, a.total, p.of_page, p.id, p.type, p.name, p.address, p.latitude, p.longitude
from (
    select ({actor}) as actor, (select count(*) from institutions i where {condition}) as total
) a
left join (
    select p.*, {cut}
    from (
        select i.id, i.type, i.name, i.address, i.latitude, i.longitude,
            octet_length(i.name) + coalesce(octet_length(i.address), 0) as size
        from institutions i
        where {condition} and {rest}
        order by i.id desc
        limit %(limit)s offset %(offset)s
    ) p
) p on p.before < %(bytes)s
order by p.id desc;

-- name: users
-- The same for the users of one role, with the children of a family and the groups that a user owns.
select a.actor, a.total, p.of_page, p.id, p.role, p.username, p.institution_id, p.profile, p.children, p.groups
from (
    select ({actor}) as actor, (select count(*) from users u where u.role = %(role)s and {condition}) as total
) a
left join (
    select p.*, {cut}
    from (
        select u.id, u.role, u.username, u.institution_id, u.profile::text as profile, c.children, g.groups,
            octet_length(u.username) + octet_length(u.profile::text) + 27 * cardinality(c.children)
                + octet_length(g.groups) as size
        from users u
        cross join lateral (
            select coalesce(array_agg(t.child_id order by t.child_id), '{{}}') as children
            from ties t where t.group_id = u.id
        ) c
        cross join lateral (
            select coalesce(json_agg(json_build_object(
                'id', g.id, 'name', g.name, 'school_class', g.school_class, 'children', (
                    select coalesce(json_agg(t.child_id order by t.child_id), '[]') from ties t where t.group_id = g.id
                )
            ) order by g.id), '[]')::text as groups
            from groups g where g.owner_id = u.id
        ) g
        where u.role = %(role)s and {condition} and {rest}
        order by u.id desc
        limit %(limit)s offset %(offset)s
    ) p
) p on p.before < %(bytes)s
order by p.id desc;

-- name: groups
-- The same for the groups of one owner, with their children.
select a.actor, a.total, p.of_page, p.id, p.name, p.children, p.school_class
from (
    select ({actor}) as actor, (select count(*) from groups g where g.owner_id = %(actor_id)s and {condition}) as total
) a
left join (
    select p.*, {cut}
    from (
        select g.id, g.name, c.children, g.school_class,
            octet_length(g.name) + coalesce(octet_length(g.school_class), 0) + 27 * cardinality(c.children) as size
        from groups g
        cross join lateral (
            select coalesce(array_agg(t.child_id order by t.child_id), '{{}}') as children
            from ties t where t.group_id = g.id
        ) c
        where g.owner_id = %(actor_id)s and {condition} and {rest}
        order by g.id desc
        limit %(limit)s offset %(offset)s
    ) p
) p on p.before < %(bytes)s
order by p.id desc;

-- name: credentials
-- The user name and the password hash of the actor.
select ({actor}), u.username, u.password_hash from users u where u.id = %(actor_id)s;
