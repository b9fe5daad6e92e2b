-- name: session
-- A suspended import loses its partition locks, and starts again.
set idle_in_transaction_session_timeout = '60s';

-- name: has_events
select exists (select from events);

-- name: analyze_events
-- The statements that then read the log must not get plans for an empty table.
analyze events;

-- name: analyze
analyze dedupe_index, users, institutions, groups, ties, outcomes;

-- name: imported
select sha256, events, finished from imports;

-- name: set_imported
insert into imports (sha256, events) values (%(sha256)s, %(events)s);

-- name: set_finished
update imports set finished = true;
