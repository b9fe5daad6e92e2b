-- name: snapshot
-- All that is compared is of one moment of one partition.
set transaction isolation level repeatable read;

-- name: page
select e.seq, e.originator_id, e.originator_version, e.topic, e.state from events e
where e.part = %(part)s and e.seq > %(after)s
order by e.seq
limit %(limit)s;

-- name: count
select count(*) from events;

-- name: parts
select part from heads order by part;

-- name: schema
select current_schema();
