-- Keys, defaults, constraints and references of many kinds.
CREATE TABLE notes (
  id TEXT NOT NULL PRIMARY KEY,
  title TEXT NOT NULL DEFAULT 'untitled',
  body TEXT,
  stars INTEGER DEFAULT 3 CHECK (stars BETWEEN 0 AND 5),
  slug TEXT UNIQUE,
  owner TEXT NOT NULL DEFAULT 'nobody',
  required TEXT NOT NULL DEFAULT ''
);

-- Deletes softly.
CREATE TABLE soft_notes (
  id TEXT NOT NULL PRIMARY KEY,
  title TEXT NOT NULL,
  body TEXT,
  slug TEXT UNIQUE
);

CREATE TABLE counters (
  number INTEGER PRIMARY KEY,
  label TEXT
);

CREATE TABLE strict_notes (
  id TEXT NOT NULL PRIMARY KEY,
  must TEXT NOT NULL,
  many INTEGER NOT NULL DEFAULT 0,
  doubled INTEGER GENERATED ALWAYS AS (many * 2) STORED
);

CREATE TABLE authors (
  id TEXT NOT NULL PRIMARY KEY,
  name TEXT
);

CREATE TABLE books (
  id TEXT NOT NULL PRIMARY KEY,
  title TEXT,
  author TEXT NOT NULL REFERENCES authors (id) ON DELETE RESTRICT
);

CREATE TABLE chapters (
  id TEXT NOT NULL PRIMARY KEY,
  book TEXT NOT NULL REFERENCES books (id) ON DELETE CASCADE
);
