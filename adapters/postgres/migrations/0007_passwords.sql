-- How often a user's password was changed or reset, and when last: tokens issued before that are no longer accepted.

alter table users
    add column password_changes integer not null default 0,
    add column password_changed_at timestamptz;
comment on column users.password_changes is
    'How often the password was changed or reset. A token carries the number that it was issued under.';
comment on column users.password_changed_at is 'When it last was; counts for tokens of another issuer.';

-- The accounts are in one partition: the one that has events of streams that begin with their key.
update users u set password_changes = c.changes, password_changed_at = c.changed_at
from (
    select
        u.id,
        count(*)::integer as changes,
        max((convert_from(e.state, 'UTF8')::jsonb -> 'origin' ->> 'recorded_at')::timestamptz) as changed_at
    from users u
    join events e on e.originator_id = 'bc62a3c14fec277e3dc6b504/' || u.id
    where e.topic = 'user.password_changed.v1'
        and e.part = (
            select h.part from heads h
            where exists (
                select from events o
                where o.part = h.part
                    and o.originator_id > 'bc62a3c14fec277e3dc6b504/'
                    and o.originator_id < 'bc62a3c14fec277e3dc6b5040'
            )
        )
    group by u.id
) c
where u.id = c.id;

-- User names are compared in Unicode NFC.
create index on users (normalize(username, nfc));
