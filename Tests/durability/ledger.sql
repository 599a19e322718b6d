-- What the crash tests write to. `tag` names the operation that wrote the row last.
CREATE TABLE accounts (
  id TEXT NOT NULL PRIMARY KEY,
  balance INTEGER NOT NULL DEFAULT 0,
  tag TEXT NOT NULL,
  note TEXT
);

CREATE TABLE transfers (
  id TEXT NOT NULL PRIMARY KEY,
  source TEXT NOT NULL,
  target TEXT NOT NULL,
  amount INTEGER NOT NULL,
  tag TEXT NOT NULL
);

-- Written by the other program only.
CREATE TABLE outside (
  id INTEGER PRIMARY KEY,
  tag TEXT NOT NULL
);
