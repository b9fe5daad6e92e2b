-- The directory of outcomes: what each says of itself now.

create table outcomes (
    id text collate "C" primary key,
    name text collate "C" not null,
    description text,
    brand_id text collate "C" not null,
    metric_key text collate "C" not null,
    unit text,
    direction text not null,
    created_by text collate "C" not null,
    created_at timestamptz not null,
    updated_at timestamptz not null
);
create index on outcomes (brand_id, id);
create index on outcomes (metric_key, id);
