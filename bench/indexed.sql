-- The table of bench/schema.sql, with an index of its owner's.
CREATE TABLE items (
  id TEXT PRIMARY KEY NOT NULL,
  list_id TEXT,
  title TEXT,
  done BOOLEAN
);
CREATE INDEX items_by_list ON items (list_id, title);
