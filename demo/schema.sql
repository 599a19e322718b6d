-- Things to do, as in TodoMVC.
CREATE TABLE todo_items (
  -- Made by the server where the client gives none.
  id TEXT NOT NULL PRIMARY KEY,
  -- What is to be done.
  title TEXT NOT NULL,
  -- Whether it is done.
  completed BOOLEAN NOT NULL DEFAULT 0
);

-- Films, with their ratings and release dates.
CREATE TABLE movies (
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
