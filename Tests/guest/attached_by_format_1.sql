PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE plain (id INTEGER PRIMARY KEY, title TEXT, created_at TIMESTAMP, updated_at TIMESTAMP, version INTEGER, deleted BOOLEAN NOT NULL DEFAULT 0);
INSERT INTO plain VALUES(1,'uno',1795804743955992,1795804744092277,5,0);
INSERT INTO plain VALUES(2,'zwei',1795804743955992,1795804744119659,9,0);
INSERT INTO plain VALUES(3,'three',1795804744084270,1795804744084270,4,0);
CREATE TABLE posts (id INTEGER PRIMARY KEY, title TEXT, created_at DATETIME, updated_at DATETIME, version INTEGER, deleted BOOLEAN NOT NULL DEFAULT 0);
INSERT INTO posts VALUES(1,'post',1795804744102633,1795804744102633,6,0);
CREATE TABLE notes (id TEXT PRIMARY KEY, title TEXT, created_at TIMESTAMP, updated_at TIMESTAMP, version INTEGER, deleted BOOLEAN NOT NULL DEFAULT 0);
INSERT INTO notes VALUES('a','first',1795804743955992,1795804743955992,1,0);
INSERT INTO notes VALUES('b','gone',1795804744104309,1795804744105546,8,1);
INSERT INTO notes VALUES('c','last',1795804744123908,1795804744123908,10,0);
CREATE TABLE datasync_settings (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
INSERT INTO datasync_settings VALUES('format',1);
INSERT INTO datasync_settings VALUES('history_id','01a21e4d-c913-7e00-b189-0aa20e55bc5b');
INSERT INTO datasync_settings VALUES('inode',16253485);
INSERT INTO datasync_settings VALUES('journal_mode','delete');
CREATE TABLE datasync_state (
  id INTEGER PRIMARY KEY CHECK (id = 1), writing INTEGER NOT NULL, oldest INTEGER NOT NULL,
  log_bytes INTEGER NOT NULL, log_through INTEGER NOT NULL);
INSERT INTO datasync_state VALUES(1,0,0,144,3);
CREATE TABLE datasync_tables (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL, message TEXT NOT NULL,
  soft_delete INTEGER NOT NULL, attached INTEGER NOT NULL, next_number INTEGER NOT NULL,
  added_columns TEXT NOT NULL, present INTEGER NOT NULL);
INSERT INTO datasync_tables VALUES(1,'notes','Notes',1,1,7,'created_at,updated_at,version,deleted',1);
INSERT INTO datasync_tables VALUES(2,'plain','Plain',0,2,7,'created_at,updated_at,version,deleted',1);
INSERT INTO datasync_tables VALUES(3,'posts','Posts',0,3,7,'deleted',1);
CREATE TABLE datasync_columns (
  table_id INTEGER NOT NULL, number INTEGER NOT NULL, name TEXT NOT NULL,
  present INTEGER NOT NULL, PRIMARY KEY (table_id, number)) WITHOUT ROWID;
INSERT INTO datasync_columns VALUES(1,1,'id',5);
INSERT INTO datasync_columns VALUES(1,2,'created_at',7);
INSERT INTO datasync_columns VALUES(1,3,'updated_at',7);
INSERT INTO datasync_columns VALUES(1,4,'version',3);
INSERT INTO datasync_columns VALUES(1,5,'deleted',2);
INSERT INTO datasync_columns VALUES(1,6,'title',5);
INSERT INTO datasync_columns VALUES(2,1,'id',3);
INSERT INTO datasync_columns VALUES(2,2,'created_at',7);
INSERT INTO datasync_columns VALUES(2,3,'updated_at',7);
INSERT INTO datasync_columns VALUES(2,4,'version',3);
INSERT INTO datasync_columns VALUES(2,5,'deleted',2);
INSERT INTO datasync_columns VALUES(2,6,'title',5);
INSERT INTO datasync_columns VALUES(3,1,'id',3);
INSERT INTO datasync_columns VALUES(3,2,'created_at',7);
INSERT INTO datasync_columns VALUES(3,3,'updated_at',7);
INSERT INTO datasync_columns VALUES(3,4,'version',3);
INSERT INTO datasync_columns VALUES(3,5,'deleted',2);
INSERT INTO datasync_columns VALUES(3,6,'title',5);
CREATE TABLE datasync_log (
  sequence INTEGER PRIMARY KEY, table_id INTEGER NOT NULL, operation INTEGER NOT NULL,
  key TEXT NOT NULL, time INTEGER, origin TEXT, before BLOB, after BLOB);
INSERT INTO datasync_log VALUES(1,1,4,'',1795804743955992,NULL,NULL,NULL);
INSERT INTO datasync_log VALUES(2,2,4,'',1795804743955992,NULL,NULL,NULL);
INSERT INTO datasync_log VALUES(3,3,4,'',1795804743955992,NULL,NULL,NULL);
INSERT INTO datasync_log VALUES(4,2,1,'3',1795804744084270,'90a114f18ede78e25eb172b6d1d5642f',NULL,X'0803120b08c89ca7d80610b0b797281a0b08c89ca7d80610b0b797282004280032057468726565');
INSERT INTO datasync_log VALUES(5,2,2,'1',1795804744092277,'90a114f18ede78e25eb172b6d1d5642f',X'0801120c08c79ca7d80610c08fedc7031a0c08c79ca7d80610c08fedc7032002280032036f6e65',X'0801120c08c79ca7d80610c08fedc7031a0b08c89ca7d806108892802c200528003203756e6f');
INSERT INTO datasync_log VALUES(6,3,1,'1',1795804744102633,'90a114f18ede78e25eb172b6d1d5642f',NULL,X'0801120b08c89ca7d80610a89cf8301a0b08c89ca7d80610a89cf830200628003204706f7374');
INSERT INTO datasync_log VALUES(7,1,1,'b',1795804744104309,'90a114f18ede78e25eb172b6d1d5642f',NULL,X'0a0162120b08c89ca7d8061088c2de311a0b08c89ca7d8061088c2de31200728003204676f6e65');
INSERT INTO datasync_log VALUES(8,1,2,'b',1795804744105546,'90a114f18ede78e25eb172b6d1d5642f',X'0a0162120b08c89ca7d8061088c2de311a0b08c89ca7d8061088c2de31200728003204676f6e65',X'0a0162120b08c89ca7d8061088c2de311a0b08c89ca7d806109082aa32200828013204676f6e65');
INSERT INTO datasync_log VALUES(9,2,2,'2',1795804744119659,NULL,X'0802120c08c79ca7d80610c08fedc7031a0c08c79ca7d80610c08fedc70320022800320374776f',X'0802120c08c79ca7d80610c08fedc7031a0b08c89ca7d80610f8b387392009280032047a776569');
INSERT INTO datasync_log VALUES(10,1,1,'c',1795804744123908,'90a114f18ede78e25eb172b6d1d5642f',NULL,X'0a0163120b08c89ca7d80610a0df8a3b1a0b08c89ca7d80610a0df8a3b200a280032046c617374');
CREATE TABLE datasync_mutations (
  n INTEGER PRIMARY KEY, scope TEXT NOT NULL, id TEXT NOT NULL, fingerprint BLOB NOT NULL,
  time INTEGER NOT NULL, results BLOB NOT NULL, UNIQUE (scope, id));
CREATE TABLE datasync_foreign (
  n INTEGER PRIMARY KEY, table_id INTEGER NOT NULL, key, before TEXT, UNIQUE (table_id, key));
CREATE TRIGGER "datasync_1_delete" BEFORE DELETE ON "notes"
WHEN (SELECT writing FROM datasync_state) = 0
BEGIN
  INSERT INTO datasync_foreign (table_id, key, before) SELECT 1, o.k, (SELECT (SELECT '1='||quote("id")||','||'2='||quote("created_at")||','||'3='||quote("updated_at")||','||'4='||quote("version")||','||'5='||quote("deleted")||','||'6='||quote("title") FROM "notes" AS x WHERE x."id" = o.k) FROM (SELECT NULL AS "id", NULL AS "created_at", NULL AS "updated_at", NULL AS "version", NULL AS "deleted", NULL AS "title")) FROM (SELECT OLD."id" AS k) AS o WHERE o.k IS NOT NULL AND NOT EXISTS (SELECT 1 FROM datasync_foreign AS f WHERE f.table_id = 1 AND f.key IS o.k);
END;
CREATE TRIGGER "datasync_1_insert_after" AFTER INSERT ON "notes"
WHEN (SELECT writing FROM datasync_state) = 0
BEGIN
  INSERT INTO datasync_foreign (table_id, key) SELECT 1, NEW."id" WHERE NEW."id" IS NOT NULL AND NOT EXISTS (SELECT 1 FROM datasync_foreign AS f WHERE f.table_id = 1 AND f.key IS NEW."id");
END;
CREATE TRIGGER "datasync_1_insert_before" BEFORE INSERT ON "notes"
WHEN (SELECT writing FROM datasync_state) = 0
BEGIN
  INSERT INTO datasync_foreign (table_id, key, before) SELECT 1, o.k, (SELECT (SELECT '1='||quote("id")||','||'2='||quote("created_at")||','||'3='||quote("updated_at")||','||'4='||quote("version")||','||'5='||quote("deleted")||','||'6='||quote("title") FROM "notes" AS x WHERE x."id" = o.k) FROM (SELECT NULL AS "id", NULL AS "created_at", NULL AS "updated_at", NULL AS "version", NULL AS "deleted", NULL AS "title")) FROM (SELECT "id" AS k FROM "notes" WHERE "id" = NEW."id") AS o WHERE o.k IS NOT NULL AND NOT EXISTS (SELECT 1 FROM datasync_foreign AS f WHERE f.table_id = 1 AND f.key IS o.k);
END;
CREATE TRIGGER "datasync_1_update" BEFORE UPDATE ON "notes"
WHEN (SELECT writing FROM datasync_state) = 0
BEGIN
  INSERT INTO datasync_foreign (table_id, key, before) SELECT 1, o.k, (SELECT (SELECT '1='||quote("id")||','||'2='||quote("created_at")||','||'3='||quote("updated_at")||','||'4='||quote("version")||','||'5='||quote("deleted")||','||'6='||quote("title") FROM "notes" AS x WHERE x."id" = o.k) FROM (SELECT NULL AS "id", NULL AS "created_at", NULL AS "updated_at", NULL AS "version", NULL AS "deleted", NULL AS "title")) FROM (SELECT OLD."id" AS k) AS o WHERE o.k IS NOT NULL AND NOT EXISTS (SELECT 1 FROM datasync_foreign AS f WHERE f.table_id = 1 AND f.key IS o.k);
  INSERT INTO datasync_foreign (table_id, key, before) SELECT 1, o.k, (SELECT (SELECT '1='||quote("id")||','||'2='||quote("created_at")||','||'3='||quote("updated_at")||','||'4='||quote("version")||','||'5='||quote("deleted")||','||'6='||quote("title") FROM "notes" AS x WHERE x."id" = o.k) FROM (SELECT NULL AS "id", NULL AS "created_at", NULL AS "updated_at", NULL AS "version", NULL AS "deleted", NULL AS "title")) FROM (SELECT NEW."id" AS k WHERE NEW."id" IS NOT OLD."id") AS o WHERE o.k IS NOT NULL AND NOT EXISTS (SELECT 1 FROM datasync_foreign AS f WHERE f.table_id = 1 AND f.key IS o.k);
END;
CREATE TRIGGER "datasync_2_delete" BEFORE DELETE ON "plain"
WHEN (SELECT writing FROM datasync_state) = 0
BEGIN
  INSERT INTO datasync_foreign (table_id, key, before) SELECT 2, o.k, (SELECT (SELECT '1='||quote("id")||','||'2='||quote("created_at")||','||'3='||quote("updated_at")||','||'4='||quote("version")||','||'5='||quote("deleted")||','||'6='||quote("title") FROM "plain" AS x WHERE x."id" = o.k) FROM (SELECT NULL AS "id", NULL AS "created_at", NULL AS "updated_at", NULL AS "version", NULL AS "deleted", NULL AS "title")) FROM (SELECT OLD."id" AS k) AS o WHERE o.k IS NOT NULL AND NOT EXISTS (SELECT 1 FROM datasync_foreign AS f WHERE f.table_id = 2 AND f.key IS o.k);
END;
CREATE TRIGGER "datasync_2_insert_after" AFTER INSERT ON "plain"
WHEN (SELECT writing FROM datasync_state) = 0
BEGIN
  INSERT INTO datasync_foreign (table_id, key) SELECT 2, NEW."id" WHERE NEW."id" IS NOT NULL AND NOT EXISTS (SELECT 1 FROM datasync_foreign AS f WHERE f.table_id = 2 AND f.key IS NEW."id");
END;
CREATE TRIGGER "datasync_2_insert_before" BEFORE INSERT ON "plain"
WHEN (SELECT writing FROM datasync_state) = 0
BEGIN
  INSERT INTO datasync_foreign (table_id, key, before) SELECT 2, o.k, (SELECT (SELECT '1='||quote("id")||','||'2='||quote("created_at")||','||'3='||quote("updated_at")||','||'4='||quote("version")||','||'5='||quote("deleted")||','||'6='||quote("title") FROM "plain" AS x WHERE x."id" = o.k) FROM (SELECT NULL AS "id", NULL AS "created_at", NULL AS "updated_at", NULL AS "version", NULL AS "deleted", NULL AS "title")) FROM (SELECT "id" AS k FROM "plain" WHERE "id" = NEW."id") AS o WHERE o.k IS NOT NULL AND NOT EXISTS (SELECT 1 FROM datasync_foreign AS f WHERE f.table_id = 2 AND f.key IS o.k);
END;
CREATE TRIGGER "datasync_2_update" BEFORE UPDATE ON "plain"
WHEN (SELECT writing FROM datasync_state) = 0
BEGIN
  INSERT INTO datasync_foreign (table_id, key, before) SELECT 2, o.k, (SELECT (SELECT '1='||quote("id")||','||'2='||quote("created_at")||','||'3='||quote("updated_at")||','||'4='||quote("version")||','||'5='||quote("deleted")||','||'6='||quote("title") FROM "plain" AS x WHERE x."id" = o.k) FROM (SELECT NULL AS "id", NULL AS "created_at", NULL AS "updated_at", NULL AS "version", NULL AS "deleted", NULL AS "title")) FROM (SELECT OLD."id" AS k) AS o WHERE o.k IS NOT NULL AND NOT EXISTS (SELECT 1 FROM datasync_foreign AS f WHERE f.table_id = 2 AND f.key IS o.k);
  INSERT INTO datasync_foreign (table_id, key, before) SELECT 2, o.k, (SELECT (SELECT '1='||quote("id")||','||'2='||quote("created_at")||','||'3='||quote("updated_at")||','||'4='||quote("version")||','||'5='||quote("deleted")||','||'6='||quote("title") FROM "plain" AS x WHERE x."id" = o.k) FROM (SELECT NULL AS "id", NULL AS "created_at", NULL AS "updated_at", NULL AS "version", NULL AS "deleted", NULL AS "title")) FROM (SELECT NEW."id" AS k WHERE NEW."id" IS NOT OLD."id") AS o WHERE o.k IS NOT NULL AND NOT EXISTS (SELECT 1 FROM datasync_foreign AS f WHERE f.table_id = 2 AND f.key IS o.k);
END;
CREATE TRIGGER "datasync_3_delete" BEFORE DELETE ON "posts"
WHEN (SELECT writing FROM datasync_state) = 0
BEGIN
  INSERT INTO datasync_foreign (table_id, key, before) SELECT 3, o.k, (SELECT (SELECT '1='||quote("id")||','||'2='||quote("created_at")||','||'3='||quote("updated_at")||','||'4='||quote("version")||','||'5='||quote("deleted")||','||'6='||quote("title") FROM "posts" AS x WHERE x."id" = o.k) FROM (SELECT NULL AS "id", NULL AS "created_at", NULL AS "updated_at", NULL AS "version", NULL AS "deleted", NULL AS "title")) FROM (SELECT OLD."id" AS k) AS o WHERE o.k IS NOT NULL AND NOT EXISTS (SELECT 1 FROM datasync_foreign AS f WHERE f.table_id = 3 AND f.key IS o.k);
END;
CREATE TRIGGER "datasync_3_insert_after" AFTER INSERT ON "posts"
WHEN (SELECT writing FROM datasync_state) = 0
BEGIN
  INSERT INTO datasync_foreign (table_id, key) SELECT 3, NEW."id" WHERE NEW."id" IS NOT NULL AND NOT EXISTS (SELECT 1 FROM datasync_foreign AS f WHERE f.table_id = 3 AND f.key IS NEW."id");
END;
CREATE TRIGGER "datasync_3_insert_before" BEFORE INSERT ON "posts"
WHEN (SELECT writing FROM datasync_state) = 0
BEGIN
  INSERT INTO datasync_foreign (table_id, key, before) SELECT 3, o.k, (SELECT (SELECT '1='||quote("id")||','||'2='||quote("created_at")||','||'3='||quote("updated_at")||','||'4='||quote("version")||','||'5='||quote("deleted")||','||'6='||quote("title") FROM "posts" AS x WHERE x."id" = o.k) FROM (SELECT NULL AS "id", NULL AS "created_at", NULL AS "updated_at", NULL AS "version", NULL AS "deleted", NULL AS "title")) FROM (SELECT "id" AS k FROM "posts" WHERE "id" = NEW."id") AS o WHERE o.k IS NOT NULL AND NOT EXISTS (SELECT 1 FROM datasync_foreign AS f WHERE f.table_id = 3 AND f.key IS o.k);
END;
CREATE TRIGGER "datasync_3_update" BEFORE UPDATE ON "posts"
WHEN (SELECT writing FROM datasync_state) = 0
BEGIN
  INSERT INTO datasync_foreign (table_id, key, before) SELECT 3, o.k, (SELECT (SELECT '1='||quote("id")||','||'2='||quote("created_at")||','||'3='||quote("updated_at")||','||'4='||quote("version")||','||'5='||quote("deleted")||','||'6='||quote("title") FROM "posts" AS x WHERE x."id" = o.k) FROM (SELECT NULL AS "id", NULL AS "created_at", NULL AS "updated_at", NULL AS "version", NULL AS "deleted", NULL AS "title")) FROM (SELECT OLD."id" AS k) AS o WHERE o.k IS NOT NULL AND NOT EXISTS (SELECT 1 FROM datasync_foreign AS f WHERE f.table_id = 3 AND f.key IS o.k);
  INSERT INTO datasync_foreign (table_id, key, before) SELECT 3, o.k, (SELECT (SELECT '1='||quote("id")||','||'2='||quote("created_at")||','||'3='||quote("updated_at")||','||'4='||quote("version")||','||'5='||quote("deleted")||','||'6='||quote("title") FROM "posts" AS x WHERE x."id" = o.k) FROM (SELECT NULL AS "id", NULL AS "created_at", NULL AS "updated_at", NULL AS "version", NULL AS "deleted", NULL AS "title")) FROM (SELECT NEW."id" AS k WHERE NEW."id" IS NOT OLD."id") AS o WHERE o.k IS NOT NULL AND NOT EXISTS (SELECT 1 FROM datasync_foreign AS f WHERE f.table_id = 3 AND f.key IS o.k);
END;
COMMIT;
