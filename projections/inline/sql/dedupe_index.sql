-- name: holders
-- The holders of these keys; free keys have no row.
select d.scope, d.key, d.stream
from unnest(%(parts)b::smallint[], %(scopes)b::text[], %(keys)b::bytea[]) as k (part, scope, key)
join dedupe_index d on d.part = k.part and d.scope = k.scope and d.key = k.key;

-- name: stored_rows
select part, scope, key, stream
from {dedupe_index}
where part = %(part)s
order by part, scope, key;

-- name: insert_keys
-- The primary key rejects a key that two streams would hold.
insert into dedupe_index (part, scope, key, stream)
select * from unnest(%b::smallint[], %b::text[], %b::bytea[], %b::text[]);

-- name: delete_keys
delete from dedupe_index d
using unnest(%(parts)b::smallint[], %(scopes)b::text[], %(keys)b::bytea[]) as k (part, scope, key)
where d.part = k.part and d.scope = k.scope and d.key = k.key;

-- name: delete_scopes
delete from dedupe_index d
using unnest(%(parts)b::smallint[], %(scopes)b::text[]) as s (part, scope)
where d.part = s.part and d.scope = s.scope;
