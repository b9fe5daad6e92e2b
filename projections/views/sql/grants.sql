-- name: owner
-- The owner of a relation and the current role.
select pg_get_userbyid(c.relowner), current_user from pg_class c where c.oid = %(relation)s::regclass;

-- name: privileges
-- The grants on a relation to roles other than its owner; the role is null for PUBLIC.
select a.privilege_type, r.rolname, a.is_grantable
from pg_class c
cross join aclexplode(c.relacl) a
left join pg_roles r on r.oid = a.grantee
where c.oid = %(relation)s::regclass and a.grantee <> c.relowner;

-- name: roles_without_privileges
-- The roles of sessions that maintain a view, or decide commands, and lack a privilege on a table.
select distinct r.rolname
from pg_stat_activity a
join pg_roles r on r.oid = a.usesysid
where a.datname = current_database()
    and case when %(inline)s then a.application_name = 'writer'
        else a.application_name in (select owner from leases where view = %(view)s) end
    and not (
        has_table_privilege(r.oid, %(relation)s::regclass, 'select')
        and has_table_privilege(r.oid, %(relation)s::regclass, 'insert')
        and has_table_privilege(r.oid, %(relation)s::regclass, 'update')
        and has_table_privilege(r.oid, %(relation)s::regclass, 'delete')
    );
