-- name: actor
-- The role and the password changes of the actor, as one JSON column that is part of every query.
select json_build_array(u.role, u.password_changes, extract(epoch from u.password_changed_at))
from users u where u.id = %(actor_id)s
