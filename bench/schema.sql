-- The table that the benchmark creates, reads and watches.
CREATE TABLE items (
  id TEXT PRIMARY KEY NOT NULL,
  list_id TEXT,
  title TEXT,
  done BOOLEAN
);
