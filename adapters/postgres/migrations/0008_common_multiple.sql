-- Fractions are added up exactly over the common multiple of their denominators.

create aggregate common_multiple (numeric) (
    sfunc = lcm,
    stype = numeric,
    initcond = '1',
    combinefunc = lcm,
    parallel = safe
);
comment on aggregate common_multiple (numeric) is 'The least number that all of them divide.';
