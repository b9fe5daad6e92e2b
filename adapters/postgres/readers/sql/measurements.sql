-- name: measurements
-- Everything that an answer depends on, in one statement and thus in one snapshot: the actor, the child, how far the
-- log and the view are in the child's partition, the number of matching rows, and those of the page.
with gate as (
    select
        ({actor}) as actor,
        (select u.role from users u where u.id = %(child_id)s) as child_role,
        exists (select from ties t where t.owner_id = %(actor_id)s and t.child_id = %(child_id)s) as tied,
        coalesce((select e.seq from events e where e.part = %(part)s order by e.seq desc limit 1), 0) as head,
        coalesce((
            select p.seq from places p
            where p.part = %(part)s and p.view = 'measurements'
                and p.generation = (select v.generation from views v where v.view = 'measurements' and v.live)
            order by p.seq desc limit 1
        ), 0) as place,
        (select count(*) from measurements m
         where m.part = %(part)s and m.child_id = %(child_id)s and m.kind = %(kind)s and {condition}) as total
)
select g.actor, g.child_role, g.tied, g.head, g.place, g.total, p.of_page,
    p.id, p.taken_at, p.value, p.unit, p.companion_value
from gate g
left join (
    select p.*, {cut}
    from (
        select m.id, m.taken_at, m.value, m.unit, m.companion_value, octet_length(m.unit) as size
        from measurements m
        where m.part = %(part)s and m.child_id = %(child_id)s and m.kind = %(kind)s and {condition} and {rest}
        order by {order}
        limit %(limit)s offset %(offset)s
    ) p
) p on p.before < %(bytes)s;
