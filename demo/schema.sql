-- The demo database. SQLite keeps the comments inside of a CREATE TABLE; the server gives them on to
-- clients, with the descriptions of the message types.

CREATE TABLE todo_items ( -- Things to do, as in TodoMVC.
  -- Made by the server where the client gives none.
  id TEXT NOT NULL PRIMARY KEY,
  -- What is to be done.
  title TEXT NOT NULL,
  -- Whether it is done.
  completed BOOLEAN NOT NULL DEFAULT 0
);

CREATE TABLE movies ( -- Films, with their ratings and release dates.
  id TEXT NOT NULL PRIMARY KEY,
  title TEXT NOT NULL,
  -- The year in which it came out.
  year INTEGER NOT NULL,
  -- In minutes.
  duration INTEGER NOT NULL,
  -- By the Motion Picture Association, from the mildest to the strictest.
  rating TEXT CHECK (rating IN ('Unrated', 'G', 'PG', 'PG13', 'R', 'NC17')),
  -- The day on which it was first shown in the United States.
  release_date DATE,
  -- Whether it won the Academy Award for Best Picture.
  best_picture_winner BOOLEAN NOT NULL DEFAULT 0
);

CREATE INDEX movies_by_year ON movies (year);
