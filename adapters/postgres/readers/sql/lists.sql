-- name: cut
-- The number of rows of the page, and the bytes of the rows before each. PostgreSQL knows the length of a text without
-- reading the text.
count(*) over () as of_page, coalesce(sum(p.size) over (rows between unbounded preceding and 1 preceding), 0) as before
