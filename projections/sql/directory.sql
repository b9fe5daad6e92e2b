-- name: load
-- All that the commands of a group ask of the directory, in one statement.
select 'user' as sort, u.id, u.role, u.institution_id, null as child_id
from users u where u.id = any (%(users)b::text[])
union all
select 'institution', i.id, null, null, null
from institutions i where i.id = any (%(institutions)b::text[])
union all
select distinct 'tie', t.owner_id, null, null, t.child_id
from unnest(%(owners)b::text[], %(children)b::text[]) as k (owner_id, child_id)
join ties t on t.owner_id = k.owner_id and t.child_id = k.child_id;

-- name: put_institutions
insert into institutions (id, type, name, address, latitude, longitude)
select r.institution_id, r.type, r.name, r.address, r.latitude, r.longitude
from jsonb_to_recordset(%(rows)s::jsonb) as r (
    institution_id text, type text, name text, address text, latitude float8, longitude float8
);

-- name: put_users
insert into users (id, role, username, password_hash, institution_id, profile)
select r.user_id, r.role, r.username, r.password_hash, r.institution_id, coalesce(r.profile, '{}')
from jsonb_to_recordset(%(rows)s::jsonb) as r (
    user_id text, role text, username text, password_hash text, institution_id text, profile jsonb
);

-- name: put_groups
insert into groups (id, owner_id, name, school_class)
select r.group_id, r.owner_id, r.name, r.school_class
from jsonb_to_recordset(%(rows)s::jsonb) as r (group_id text, owner_id text, name text, school_class text);

-- name: put_ties
-- A family is tied to its children under its own id, an owner of groups under the group's.
insert into ties (owner_id, group_id, child_id)
select distinct * from unnest(%(owners)b::text[], %(groups)b::text[], %(children)b::text[])
on conflict do nothing;

-- name: remove_ties
delete from ties where owner_id = any (%(users)b::text[]) or child_id = any (%(users)b::text[]);

-- name: remove_groups
delete from groups where owner_id = any (%(users)b::text[]);

-- name: remove_users
delete from users where id = any (%(users)b::text[]);

-- name: login
-- Whom a user name names, and what the password is checked against.
select id, role, password_hash from users where username = %(username)s;

-- name: has_admin
select exists (select from users where role = 'admin');
