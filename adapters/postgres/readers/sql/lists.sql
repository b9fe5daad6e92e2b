-- name: cut
-- How many rows the page has, and how many bytes those before a row have. PostgreSQL knows the length of a text without
-- reading it.
count(*) over () as of_page, coalesce(sum(p.size) over (rows between unbounded preceding and 1 preceding), 0) as before
