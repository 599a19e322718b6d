"""Schemas as owners have them. Each names a table to write to, its key, and what to write."""

import dataclasses


@dataclasses.dataclass
class Schema:
    name: str
    sql: str
    table: str
    # The key of the n-th row, and its other values; `other` are those of an update.
    key: str = "id"
    integer: bool = True
    values: tuple = ("title",)
    # Statements of the owner's between the writes, `{n}` a number that differs each time.
    statements: tuple = ()

    def id(self, n):
        return n if self.integer else f"k{n:06}"

    def row(self, n):
        return {name: (f"{name} {n}" if not name.endswith("_n") else n) for name in self.values}


def text(name, sql, table, **fields):
    return Schema(name, sql, table, integer=False, **fields)


SCHEMAS = [
    Schema("integer key", "CREATE TABLE t (id INTEGER PRIMARY KEY, title TEXT);", "t"),
    text("text key", "CREATE TABLE t (id TEXT PRIMARY KEY, title TEXT);", "t"),
    text("text key, not null", "CREATE TABLE t (id TEXT NOT NULL PRIMARY KEY, title TEXT) ;", "t"),
    Schema("int key, no alias", "CREATE TABLE t (id INT PRIMARY KEY NOT NULL, title TEXT);", "t"),
    Schema("bigint key", "CREATE TABLE t (id BIGINT NOT NULL PRIMARY KEY, title VARCHAR(40));", "t"),
    text("varchar key", "CREATE TABLE t (id VARCHAR(36), title TEXT, PRIMARY KEY (id));", "t"),
    Schema("descending key", "CREATE TABLE t (id INTEGER PRIMARY KEY DESC, title);", "t"),
    text("without rowid", "CREATE TABLE t (id TEXT PRIMARY KEY, title TEXT) WITHOUT ROWID;", "t"),
    Schema("integer without rowid",
           "CREATE TABLE t (id INTEGER PRIMARY KEY, title TEXT) WITHOUT ROWID;", "t"),
    Schema("strict", "CREATE TABLE t (id INTEGER PRIMARY KEY, title TEXT, any ANY) STRICT;", "t"),
    text("strict without rowid",
         "CREATE TABLE t (id TEXT PRIMARY KEY, title TEXT) STRICT, WITHOUT ROWID;", "t"),
    Schema("autoincrement", """
CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT);
CREATE TABLE other (id INTEGER PRIMARY KEY AUTOINCREMENT, x);
INSERT INTO t VALUES (1, 'one'), (700000, 'seven'); DELETE FROM t WHERE id = 700000;
INSERT INTO other (x) VALUES (1), (2);""", "t",
           statements=("INSERT INTO other (x) VALUES ({n})", "DELETE FROM other WHERE x % 7 = 0")),
    Schema("analysed", """
CREATE TABLE t (id INTEGER PRIMARY KEY, title TEXT, owner_n INTEGER);
CREATE INDEX by_owner ON t (owner_n, title);
INSERT INTO t SELECT value, 'v' || value, value % 3 FROM
  (WITH RECURSIVE c(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM c LIMIT 50) SELECT * FROM c);
ANALYZE;""", "t", values=("title", "owner_n")),
    Schema("views", """
CREATE TABLE t (id INTEGER PRIMARY KEY, title TEXT);
CREATE VIEW everything AS SELECT * FROM t;
CREATE VIEW titles (heading) AS SELECT title FROM t WHERE title IS NOT NULL;
CREATE TRIGGER write_titles INSTEAD OF INSERT ON titles BEGIN
  INSERT INTO t (title) VALUES (NEW.heading); END;""", "t",
           statements=("INSERT INTO titles VALUES ('view {n}')",)),
    Schema("audit by SELECT *", """
CREATE TABLE t (id INTEGER PRIMARY KEY, title TEXT);
CREATE TABLE audit (id INTEGER, title TEXT);
CREATE TRIGGER keep AFTER UPDATE ON t BEGIN INSERT INTO audit SELECT * FROM t WHERE id = OLD.id; END;
CREATE TRIGGER keep_deleted BEFORE DELETE ON t BEGIN
  INSERT INTO audit SELECT * FROM t WHERE id = OLD.id; END;""", "t"),
    Schema("counting trigger", """
CREATE TABLE t (id INTEGER PRIMARY KEY, title TEXT, total_n INTEGER DEFAULT 0);
CREATE TABLE counts (name TEXT PRIMARY KEY, n INTEGER) WITHOUT ROWID;
INSERT INTO counts VALUES ('t', 0);
CREATE TRIGGER one_more AFTER INSERT ON t BEGIN UPDATE counts SET n = n + 1 WHERE name = 't'; END;
CREATE TRIGGER one_less AFTER DELETE ON t BEGIN UPDATE counts SET n = n - 1 WHERE name = 't'; END;
""", "t"),
    Schema("generated columns", """
CREATE TABLE t (id INTEGER PRIMARY KEY, title TEXT,
  loud TEXT GENERATED ALWAYS AS (upper(title)) STORED, size INTEGER AS (length(title)));
CREATE UNIQUE INDEX loud ON t (loud);""", "t"),
    Schema("indexes", """
CREATE TABLE t (id INTEGER PRIMARY KEY, title TEXT COLLATE NOCASE, rank_n INTEGER UNIQUE);
CREATE UNIQUE INDEX by_lower ON t (lower(title));
CREATE INDEX some ON t (rank_n DESC) WHERE rank_n > 100 AND title IS NOT NULL;""", "t",
           values=("title", "rank_n")),
    Schema("foreign keys", """
CREATE TABLE parents (id TEXT PRIMARY KEY, name TEXT);
INSERT INTO parents VALUES ('p0', 'zero'), ('p1', 'one'), ('p2', 'two');
CREATE TABLE t (id INTEGER PRIMARY KEY, title TEXT,
  parent TEXT DEFAULT 'p0' REFERENCES parents (id) ON DELETE SET DEFAULT ON UPDATE CASCADE
  DEFERRABLE INITIALLY DEFERRED,
  above INTEGER REFERENCES t (id) ON DELETE SET NULL);""", "t",
           statements=("UPDATE parents SET name = 'n{n}' WHERE id = 'p1'",)),
    text("odd table name", """
CREATE TABLE "it's ""odd"" [table] ä" ("id" TEXT PRIMARY KEY, title TEXT);
CREATE TABLE [select] (id INTEGER PRIMARY KEY, `from` TEXT);""", "it's \"odd\" [table] ä"),
    Schema("odd column names", '''
CREATE TABLE t (id INTEGER PRIMARY KEY, title TEXT, "unit price" REAL, "2nd" TEXT, `a-b` TEXT,
  [order] INTEGER, "with ""quotes""" TEXT, "ünïcode" TEXT, "" TEXT);''', "t"),
    Schema("the owner's times", """
CREATE TABLE t (id INTEGER PRIMARY KEY, title TEXT,
  created_at DATETIME NOT NULL DEFAULT '2011-10-31 20:00:00',
  updated_at DATETIME NOT NULL DEFAULT '2011-10-31 20:00:00.000000');
INSERT INTO t VALUES (1, 'a', '2011-10-31 20:00:00.000', '2012-01-01 00:00:00');""", "t"),
    Schema("the owner's lock column",
           "CREATE TABLE t (id INTEGER PRIMARY KEY, title TEXT, version INTEGER NOT NULL DEFAULT 1);"
           "INSERT INTO t VALUES (1, 'a', 3), (2, 'b', 1);", "t"),
    Schema("the owner's deletion mark", """
CREATE TABLE t (id INTEGER PRIMARY KEY, title TEXT, deleted BOOLEAN NOT NULL DEFAULT 0);
INSERT INTO t VALUES (1, 'a', 0), (2, 'gone', 1);
CREATE VIEW present AS SELECT id, title FROM t WHERE NOT deleted;""", "t",
           statements=("UPDATE t SET deleted = 1 - deleted WHERE id = 2",)),
    Schema("all four are the owner's", """
CREATE TABLE t (id INTEGER PRIMARY KEY, created_at INTEGER DEFAULT 0, updated_at INTEGER DEFAULT 0,
  version INTEGER DEFAULT 0, deleted INTEGER DEFAULT 0, title TEXT);
INSERT INTO t VALUES (1, 5, 6, 7, 1, 'a');""", "t"),
    Schema("defaults", """
CREATE TABLE t (id INTEGER PRIMARY KEY, title TEXT, a INTEGER NOT NULL DEFAULT '0', b TEXT DEFAULT 7,
  c REAL DEFAULT -1e3, d TEXT DEFAULT 'it''s', e BLOB DEFAULT x'00ff', f INTEGER DEFAULT (1 + 2 * 3),
  g BOOLEAN DEFAULT TRUE, h TEXT DEFAULT NULL, i TEXT DEFAULT "quoted", j NUMERIC DEFAULT '1.50');
""", "t"),
    Schema("checks and collations", """
CREATE TABLE t (id INTEGER PRIMARY KEY CHECK (id > 0),
  title TEXT NOT NULL COLLATE RTRIM CHECK (length(title) > 0 AND title NOT LIKE '%;%'),
  level TEXT DEFAULT 'low' CHECK (level IN ('low', 'high')) COLLATE NOCASE, -- a remark
  /* another */ CONSTRAINT one_of_both UNIQUE (title, level) ON CONFLICT ABORT);""", "t"),
    Schema("tables that are not served", """
CREATE TABLE t (id INTEGER PRIMARY KEY, title TEXT);
CREATE TABLE pairs (a INTEGER, b TEXT, PRIMARY KEY (a, b));
CREATE TABLE lines (line TEXT);
CREATE TABLE blobs (id BLOB PRIMARY KEY, n INTEGER);
INSERT INTO pairs VALUES (1, 'x'); INSERT INTO lines VALUES ('l'); INSERT INTO blobs VALUES (x'00', 1);
""", "t", statements=("INSERT INTO pairs VALUES ({n}, 'p')", "INSERT INTO lines VALUES ('l{n}')",
                      "INSERT INTO blobs VALUES (CAST('b{n}' AS BLOB), 1)")),
    Schema("full text", """
CREATE TABLE t (id INTEGER PRIMARY KEY, title TEXT);
CREATE VIRTUAL TABLE words USING fts5(title, content='t', content_rowid='id');
CREATE TRIGGER words_in AFTER INSERT ON t BEGIN
  INSERT INTO words (rowid, title) VALUES (NEW.id, NEW.title); END;
CREATE TRIGGER words_out AFTER DELETE ON t BEGIN
  INSERT INTO words (words, rowid, title) VALUES ('delete', OLD.id, OLD.title); END;
CREATE TRIGGER words_changed AFTER UPDATE ON t BEGIN
  INSERT INTO words (words, rowid, title) VALUES ('delete', OLD.id, OLD.title);
  INSERT INTO words (rowid, title) VALUES (NEW.id, NEW.title); END;""", "t"),
    Schema("settings of its own", """
PRAGMA user_version = 42; PRAGMA application_id = 305419896; PRAGMA auto_vacuum = INCREMENTAL;
PRAGMA journal_mode = WAL;
CREATE TABLE t (id INTEGER PRIMARY KEY, title TEXT);""", "t"),
    Schema("other journal", """
PRAGMA page_size = 1024; PRAGMA user_version = -1; PRAGMA journal_mode = TRUNCATE;
CREATE TABLE t (id INTEGER PRIMARY KEY, title TEXT);""", "t"),
    Schema("names that begin as ours", """
CREATE TABLE t (id INTEGER PRIMARY KEY, title TEXT);
CREATE TABLE datasync_of_the_owner (id INTEGER PRIMARY KEY, n INTEGER);
INSERT INTO datasync_of_the_owner VALUES (1, 2);
CREATE TRIGGER datasync_nightly AFTER INSERT ON t BEGIN
  UPDATE datasync_of_the_owner SET n = n + 1; END;
CREATE INDEX datasync_index ON t (title);""", "t"),
    Schema("white space",
           "CREATE  TABLE\n\tt(id   INTEGER\tPRIMARY KEY -- the key, not; the end\n"
           ",title TEXT DEFAULT ');' /* ) */\n) ;\n", "t"),
]
