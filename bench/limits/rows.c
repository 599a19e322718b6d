#include "rows.h"

#include <string.h>
#include <time.h>

enum { MOST_TITLE = 8192 };

sqlite3 *rows_database;
static sqlite3_stmt *insert, *insert_log, *begin, *commit;
static sqlite3_int64 sequence;
static uint64_t seed, last_key;

static void check(int code, const char *what) {
  if (code != SQLITE_OK && code != SQLITE_DONE && code != SQLITE_ROW)
    die("%s: %s", what, sqlite3_errmsg(rows_database));
}

void rows_execute(const char *sql) {
  check(sqlite3_exec(rows_database, sql, NULL, NULL, NULL), sql);
}

sqlite3_stmt *rows_prepare(const char *sql) {
  sqlite3_stmt *statement;
  check(sqlite3_prepare_v3(rows_database, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL),
        sql);
  return statement;
}

static sqlite3_int64 last_sequence(void) {
  sqlite3_stmt *statement = rows_prepare("SELECT coalesce(max(sequence), 0) FROM change_log");
  check(sqlite3_step(statement), "sequence");
  sqlite3_int64 last = sqlite3_column_int64(statement, 0);
  sqlite3_finalize(statement);
  return last;
}

void rows_open(const char *path, const char *synchronous) {
  check(sqlite3_open_v2(path, &rows_database,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL),
        path);
  rows_execute("PRAGMA journal_mode=WAL; PRAGMA cache_size=-65536; PRAGMA wal_autocheckpoint=1000;");
  char text[64];
  snprintf(text, sizeof text, "PRAGMA synchronous=%s", synchronous);
  rows_execute(text);
  rows_execute(
      "CREATE TABLE IF NOT EXISTS items("
      " id TEXT PRIMARY KEY NOT NULL, list_id TEXT, title TEXT, done BOOLEAN,"
      " created_at TIMESTAMP, updated_at TIMESTAMP, version INTEGER, deleted BOOLEAN);"
      "CREATE TABLE IF NOT EXISTS change_log("
      " sequence INTEGER PRIMARY KEY, tbl INTEGER, id TEXT, operation INTEGER, before BLOB,"
      " after BLOB, origin TEXT, time INTEGER);");
  insert = rows_prepare("INSERT INTO items VALUES(?,?,?,?,?,?,?,0)");
  insert_log = rows_prepare("INSERT INTO change_log VALUES(?,1,?,1,NULL,?,'client',0)");
  begin = rows_prepare("BEGIN IMMEDIATE");
  commit = rows_prepare("COMMIT");
  sequence = last_sequence();
  /* Keys of a run before this one are not to come again. */
  seed = 0x9e3779b97f4a7c15u ^ now_ns() * 0x2545f4914f6cdd1du;
}

/* A UUID in text: of version 7, each above the one before it, or random. */
static void make_key(char *into, bool is_ascending) {
  uint64_t high = next_random(&seed), low = next_random(&seed);
  if (is_ascending) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    uint64_t key = ((uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000) << 12;
    if (key <= last_key) key = last_key + 1;
    last_key = key;
    high = (key >> 12) << 16 | 0x7000 | (key & 0xfff);
  }
  snprintf(into, 37, "%08x-%04x-%04x-%04x-%012llx", (unsigned)(high >> 32),
           (unsigned)(high >> 16) & 0xffff, (unsigned)(high & 0xffff),
           ((unsigned)(low >> 48) & 0x3fff) | 0x8000, (unsigned long long)low & 0xffffffffffff);
}

/* The row as it would travel: fields with their lengths. Its bytes do not matter, their number does. */
static size_t make_image(uint8_t *into, const char *key, const char *title, size_t title_length) {
  size_t length = 0;
  memcpy(into + 2, key, 36), length += 38;
  memset(into + length, 1, 40), length += 40;
  memcpy(into + length, title, title_length), length += title_length;
  return length;
}

static void run(sqlite3_stmt *statement, const char *what) {
  check(sqlite3_step(statement), what);
  sqlite3_reset(statement);
}

void rows_begin(void) { run(begin, "begin"); }

void rows_commit(void) { run(commit, "commit"); }

void rows_create(const char *title, size_t length, bool is_ascending) {
  char key[37];
  uint8_t image[MOST_TITLE + 128];
  if (length > MOST_TITLE) die("a title has at most %d bytes", MOST_TITLE);
  make_key(key, is_ascending);
  size_t image_length = make_image(image, key, title, length);
  sequence++;
  sqlite3_bind_text(insert, 1, key, 36, SQLITE_STATIC);
  sqlite3_bind_text(insert, 2, "bench", 5, SQLITE_STATIC);
  sqlite3_bind_text(insert, 3, title, (int)length, SQLITE_STATIC);
  sqlite3_bind_int(insert, 4, 0);
  sqlite3_bind_text(insert, 5, "2026-01-01T00:00:00.000000Z", 27, SQLITE_STATIC);
  sqlite3_bind_text(insert, 6, "2026-01-01T00:00:00.000000Z", 27, SQLITE_STATIC);
  sqlite3_bind_int64(insert, 7, sequence);
  run(insert, "insert");
  sqlite3_bind_int64(insert_log, 1, sequence);
  sqlite3_bind_text(insert_log, 2, key, 36, SQLITE_STATIC);
  sqlite3_bind_blob(insert_log, 3, image, (int)image_length, SQLITE_STATIC);
  run(insert_log, "log");
}
