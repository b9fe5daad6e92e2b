-- name: actor
-- Role and password changes of the user who asks, as one JSON column: it travels with every answer.
select json_build_array(u.role, u.password_changes, extract(epoch from u.password_changed_at))
from users u where u.id = %(actor_id)s
