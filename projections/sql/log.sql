-- name: partition_count
select count(*) from heads;

-- name: partitions
select part from heads order by part;

-- name: log_ends
-- The last seq of each partition, 0 where a partition has no event.
select l.part, coalesce((select e.seq from events e where e.part = l.part order by e.seq desc limit 1), 0)
from unnest(%(parts)b::smallint[]) as l (part);

-- name: current_schema
select current_schema();
