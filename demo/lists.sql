-- The demo database with users: todo lists, of which some are shared. demo/access.yml says who may see what.

CREATE TABLE list_members ( -- Who shares which list.
  id TEXT NOT NULL PRIMARY KEY,
  list_id TEXT NOT NULL,
  user_id TEXT NOT NULL
);

CREATE INDEX list_members_by_user ON list_members (user_id);

CREATE TABLE todo_items ( -- Things to do, as in TodoMVC.
  id TEXT NOT NULL PRIMARY KEY,
  -- Left out, it is the caller's own list, which has the caller's name.
  list_id TEXT NOT NULL,
  title TEXT NOT NULL,
  completed BOOLEAN NOT NULL DEFAULT 0
);

CREATE INDEX todo_items_by_list ON todo_items (list_id);

-- Alice and Bob share the groceries; the holiday is Alice's until she shares it.
INSERT INTO list_members VALUES
  ('m1', 'groceries', 'alice'), ('m2', 'groceries', 'bob'), ('m3', 'holiday', 'alice');

INSERT INTO todo_items (id, list_id, title) VALUES
  ('t1', 'groceries', 'Milk'), ('t2', 'groceries', 'Bread'),
  ('t3', 'holiday', 'Book the boat'), ('t4', 'bob', 'Mend the bicycle');
