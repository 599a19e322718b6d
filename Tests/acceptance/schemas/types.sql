-- One column of each type that can be declared.
CREATE TABLE everything (
  id TEXT NOT NULL PRIMARY KEY,
  flag BOOLEAN,
  whole INTEGER,
  ratio REAL,
  words TEXT,
  blob BLOB,
  moment TIMESTAMP,
  written DATETIME,
  day DATE,
  clock TIME,
  price DECIMAL TEXT,
  weight DECIMAL(20, 6),
  code UUID,
  doc JSON TEXT,
  loose JSON,
  grade TEXT CHECK (grade IN ('low', 'middle', 'high'))
);
