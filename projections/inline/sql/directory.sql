-- name: load
-- Everything that the commands of a batch read from the directory, in one statement.
select 'user' as sort, u.id, u.role, u.institution_id, u.password_changes::bigint, u.password_changed_at
from users u where u.id = any (%(users)b::text[])
union all
select 'institution', i.id, null, null, null, null
from institutions i where i.id = any (%(institutions)b::text[])
union all
select 'members', m.id, null, null, (select count(*) from users u where u.institution_id = m.id), null
from unnest(%(members)b::text[]) as m (id)
union all
select 'outcome', o.id, o.brand_id, null, null, null
from outcomes o where o.id = any (%(outcomes)b::text[])
union all
select 'tie', t.owner_id, t.child_id, t.group_id, null, null
from unnest(%(owners)b::text[], %(children)b::text[]) as k (owner_id, child_id)
join ties t on t.owner_id = k.owner_id and t.child_id = k.child_id
union all
select 'name', normalize(u.username, nfc), u.id, null, null, null
from users u where normalize(u.username, nfc) = any (%(names)b::text[]);

-- name: insert_institutions
insert into institutions (id, type, name, address, latitude, longitude)
select r.institution_id, r.type, r.name, r.address, r.latitude, r.longitude
from json_to_recordset(%(rows)s::json) as r (
    institution_id text, type text, name text, address text, latitude float8, longitude float8
);

-- name: delete_institutions
delete from institutions where id = any (%(ids)b::text[]);

-- name: insert_users
insert into users (id, role, username, password_hash, institution_id, profile)
select r.user_id, r.role, r.username, r.password_hash, r.institution_id, coalesce(r.profile, '{}')
from json_to_recordset(%(rows)s::json) as r (
    user_id text, role text, username text, password_hash text, institution_id text, profile jsonb
);

-- name: change_passwords
-- Renewing a hash does not count as a change of the password: tokens stay valid.
update users u set
    password_hash = c.password_hash,
    password_changes = u.password_changes + c.changes,
    password_changed_at = coalesce(c.changed_at, u.password_changed_at)
from json_to_recordset(%(rows)s::json) as c (id text, password_hash text, changes integer, changed_at timestamptz)
where u.id = c.id;

-- name: delete_users
delete from users where id = any (%(ids)b::text[]);

-- name: upsert_groups
insert into groups (id, owner_id, name, school_class)
select r.group_id, r.owner_id, r.name, r.school_class
from json_to_recordset(%(rows)s::json) as r (group_id text, owner_id text, name text, school_class text)
on conflict (id) do update set name = excluded.name, school_class = excluded.school_class;

-- name: delete_groups
delete from groups where id = any (%(ids)b::text[]);

-- name: delete_groups_of_owners
delete from groups where owner_id = any (%(ids)b::text[]);

-- name: upsert_outcomes
-- A revision keeps the creator and the time of creation.
insert into outcomes (
    id, name, description, brand_id, metric_key, unit, direction, created_by, created_at, updated_at
)
select r.id, r.name, r.description, r.brand_id, r.metric_key, r.unit, r.direction, r.created_by, r.created_at,
    r.updated_at
from json_to_recordset(%(rows)s::json) as r (
    id text, name text, description text, brand_id text, metric_key text, unit text, direction text, created_by text,
    created_at timestamptz, updated_at timestamptz
)
on conflict (id) do update set
    name = excluded.name, description = excluded.description, unit = excluded.unit, direction = excluded.direction,
    updated_at = excluded.updated_at;

-- name: insert_links
-- group_id is the id of the group, or for a family its own id.
insert into ties (owner_id, group_id, child_id)
select distinct * from unnest(%(owners)b::text[], %(groups)b::text[], %(children)b::text[])
on conflict do nothing;

-- name: delete_group_links
delete from ties where group_id = any (%(ids)b::text[]);

-- name: delete_family_links
delete from ties t
using unnest(%(families)b::text[], %(children)b::text[]) as f (family_id, child_id)
where t.owner_id = f.family_id and t.child_id = f.child_id and t.group_id = f.family_id;

-- name: delete_user_links
delete from ties where owner_id = any (%(ids)b::text[]) or child_id = any (%(ids)b::text[]);

-- name: login
-- The user with a name, and the hash of the password. Names are compared in Unicode NFC. Older users may have names that are
-- equal in NFC: of these, the exact name comes first, then the one in NFC.
select u.id, u.role, u.password_hash, u.password_changes
from users u
where normalize(u.username, nfc) = normalize(%(username)s::text, nfc)
order by u.username = %(username)s desc, u.username = normalize(%(username)s::text, nfc) desc, u.id
limit 1;

-- name: hash_parameters
-- The number of password hashes by their parameters.
select p.parameters, count(*)
from users u, substring(u.password_hash from '^[$]argon2id[$]v=19[$]m=[0-9]+,t=[0-9]+,p=[0-9]+[$]') as p (parameters)
where p.parameters is not null
group by p.parameters;

-- name: equal_names
-- User names that differ only in their Unicode form. They were registered before names were compared in NFC.
select array_agg(u.username order by u.id), array_agg(u.id order by u.id)
from users u
group by normalize(u.username, nfc)
having count(*) > 1
order by min(u.id);

-- name: groups_across_institutions
-- Groups with children of an institution other than their owner's.
select g.id
from groups g
join users o on o.id = g.owner_id
where exists (
    select from ties t
    join users c on c.id = t.child_id
    where t.group_id = g.id and c.institution_id is distinct from o.institution_id
)
order by g.id;

-- name: all_users
-- All users in the order of registration, for the operator.
select u.id, u.role, u.username, u.institution_id from users u order by u.id;

-- name: has_admin
select exists (select from users where role = 'admin');
