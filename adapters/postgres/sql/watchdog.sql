-- name: idle_sessions
-- The sessions that wait for their client, from the server's point of view, and for how many seconds.
select pid, extract(epoch from clock_timestamp() - state_change)::float8
from pg_stat_activity
where pid = any (%(pids)s) and (state <> 'active' or wait_event = 'ClientRead');

-- name: terminate_sessions
-- A network that loses packets may also lose the close of the connection. The session would then keep its locks.
select pg_terminate_backend(pid) from pg_stat_activity where pid = any (%(pids)s) and usename = current_user;
