-- name: known
select distinct view from views;

-- name: add
insert into views (view, generation, version, live) values (%(view)s, %(generation)s, %(version)s, false);

-- name: add_leases
insert into leases (part, view, generation) select part, %(view)s, %(generation)s from heads;

-- name: set_live
update views set live = (generation = %(generation)s) where view = %(view)s;
