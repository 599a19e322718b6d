/* The limit of the database: what C on SQLite takes for the same rows, the same log and the same
   durability, with nobody asking over a wire.
   usage: sqlite_limit MODE DATABASE [--NAME VALUE]... */
#include <sqlite3.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../common/util.h"

static sqlite3 *database;
static double seconds = 3;
static long rows = 100000, batch = 100, page = 100, payload_size = 200;
static const char *synchronous = "FULL";

static void check(int code, const char *what) {
  if (code != SQLITE_OK && code != SQLITE_DONE && code != SQLITE_ROW)
    die("sqlite_limit: %s: %s", what, sqlite3_errmsg(database));
}

static void execute(const char *sql) { check(sqlite3_exec(database, sql, NULL, NULL, NULL), sql); }

static sqlite3_stmt *prepare(const char *sql) {
  sqlite3_stmt *statement;
  check(sqlite3_prepare_v3(database, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL), sql);
  return statement;
}

static void open_database(const char *path) {
  check(sqlite3_open_v2(path, &database,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL),
        path);
  execute("PRAGMA journal_mode=WAL; PRAGMA cache_size=-65536; PRAGMA wal_autocheckpoint=1000;");
  char text[64];
  snprintf(text, sizeof text, "PRAGMA synchronous=%s", synchronous);
  execute(text);
  execute(
      "CREATE TABLE IF NOT EXISTS items("
      " id TEXT PRIMARY KEY NOT NULL, list_id TEXT, title TEXT, done BOOLEAN,"
      " created_at TIMESTAMP, updated_at TIMESTAMP, version INTEGER, deleted BOOLEAN);"
      "CREATE TABLE IF NOT EXISTS change_log("
      " sequence INTEGER PRIMARY KEY, tbl INTEGER, id TEXT, operation INTEGER, before BLOB,"
      " after BLOB, origin TEXT, time INTEGER);");
}

static uint64_t seed = 0x9e3779b97f4a7c15u, last_key;

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

static void report(const char *mode, uint64_t count, double took, double cpu, const histogram *h) {
  printf("{\"mode\":\"%s\",\"target\":\"sqlite\",\"operations\":%llu,\"seconds\":%.3f,"
         "\"rate\":%.1f,\"cpu_us\":%.3f",
         mode, (unsigned long long)count, took, (double)count / took, cpu / (double)count);
  if (h->count)
    printf(",\"p50_us\":%.1f,\"p99_us\":%.1f", histogram_us(h, 0.5), histogram_us(h, 0.99));
  printf(",\"rss_kib\":%ld,\"failures\":0}\n", process_resident_kib(getpid()));
}

/* One row and its row in the log. */
static void create(sqlite3_stmt *insert, sqlite3_stmt *log, sqlite3_int64 sequence,
                   bool is_ascending, const char *title) {
  char key[37];
  uint8_t image[8192];
  make_key(key, is_ascending);
  size_t image_length = make_image(image, key, title, (size_t)payload_size);
  sqlite3_bind_text(insert, 1, key, 36, SQLITE_STATIC);
  sqlite3_bind_text(insert, 2, "bench", 5, SQLITE_STATIC);
  sqlite3_bind_text(insert, 3, title, (int)payload_size, SQLITE_STATIC);
  sqlite3_bind_int(insert, 4, 0);
  sqlite3_bind_text(insert, 5, "2026-01-01T00:00:00.000000Z", 27, SQLITE_STATIC);
  sqlite3_bind_text(insert, 6, "2026-01-01T00:00:00.000000Z", 27, SQLITE_STATIC);
  sqlite3_bind_int64(insert, 7, sequence);
  check(sqlite3_step(insert), "insert");
  sqlite3_reset(insert);
  sqlite3_bind_int64(log, 1, sequence);
  sqlite3_bind_text(log, 2, key, 36, SQLITE_STATIC);
  sqlite3_bind_blob(log, 3, image, (int)image_length, SQLITE_STATIC);
  check(sqlite3_step(log), "log");
  sqlite3_reset(log);
}

static sqlite3_int64 last_sequence(void) {
  sqlite3_stmt *statement = prepare("SELECT coalesce(max(sequence), 0) FROM change_log");
  check(sqlite3_step(statement), "sequence");
  sqlite3_int64 sequence = sqlite3_column_int64(statement, 0);
  sqlite3_finalize(statement);
  return sequence;
}

static void run_create(const char *mode, bool is_ascending, uint64_t most) {
  sqlite3_stmt *insert = prepare("INSERT INTO items VALUES(?,?,?,?,?,?,?,0)");
  sqlite3_stmt *log = prepare("INSERT INTO change_log VALUES(?,1,?,1,NULL,?,'client',0)");
  sqlite3_stmt *begin = prepare("BEGIN IMMEDIATE"), *commit = prepare("COMMIT");
  char title[4096];
  memset(title, 'x', sizeof title);
  static histogram commits;
  sqlite3_int64 sequence = last_sequence();
  uint64_t count = 0, began = now_ns(), until = began + (uint64_t)(seconds * 1e9), now;
  double cpu = own_cpu_us();
  do {
    check(sqlite3_step(begin), "begin");
    sqlite3_reset(begin);
    for (long i = 0; i < batch; i++) create(insert, log, ++sequence, is_ascending, title);
    uint64_t before = now_ns();
    check(sqlite3_step(commit), "commit");
    sqlite3_reset(commit);
    now = now_ns();
    histogram_add(&commits, now - before);
    count += (uint64_t)batch;
  } while (now < until && (!most || count < most));
  report(mode, count, (double)(now - began) / 1e9, own_cpu_us() - cpu, &commits);
}

/* Every key of the table, for reads that choose among them. */
static char *all_keys(size_t *count) {
  sqlite3_stmt *statement = prepare("SELECT id FROM items LIMIT ?");
  sqlite3_bind_int64(statement, 1, rows);
  char *keys = allocate((size_t)rows * 37);
  *count = 0;
  while (sqlite3_step(statement) == SQLITE_ROW)
    snprintf(keys + 37 * (*count)++, 37, "%s", (const char *)sqlite3_column_text(statement, 0));
  sqlite3_finalize(statement);
  if (!*count) die("sqlite_limit: the table is empty: fill it first");
  return keys;
}

/* Copies every column of a row, as an answer would. */
static size_t copy_row(sqlite3_stmt *statement, uint8_t *into) {
  size_t length = 0;
  int columns = sqlite3_column_count(statement);
  for (int i = 0; i < columns; i++) {
    if (sqlite3_column_type(statement, i) == SQLITE_INTEGER) {
      sqlite3_int64 value = sqlite3_column_int64(statement, i);
      memcpy(into + length, &value, sizeof value), length += sizeof value;
      continue;
    }
    const void *text = sqlite3_column_text(statement, i);
    size_t bytes = (size_t)sqlite3_column_bytes(statement, i);
    memcpy(into + length, text, bytes), length += bytes;
  }
  return length;
}

static void run_get(bool in_transactions) {
  sqlite3_stmt *get = prepare("SELECT * FROM items WHERE id=?");
  size_t key_count;
  char *keys = all_keys(&key_count);
  static uint8_t copy[65536];
  static histogram none;
  uint64_t count = 0, began = now_ns(), until = began + (uint64_t)(seconds * 1e9), now;
  double cpu = own_cpu_us();
  do {
    if (in_transactions) execute("BEGIN");
    for (int i = 0; i < 1000; i++) {
      sqlite3_bind_text(get, 1, keys + 37 * (next_random(&seed) % key_count), 36, SQLITE_STATIC);
      if (sqlite3_step(get) != SQLITE_ROW) die("sqlite_limit: a key has no row");
      copy_row(get, copy);
      sqlite3_reset(get);
    }
    if (in_transactions) execute("COMMIT");
    now = now_ns(), count += 1000;
  } while (now < until);
  report(in_transactions ? "get-1000" : "get", count, (double)(now - began) / 1e9,
         own_cpu_us() - cpu, &none);
}

static void run_query(void) {
  sqlite3_stmt *query = prepare("SELECT * FROM items WHERE id>? ORDER BY id LIMIT ?");
  size_t key_count;
  char *keys = all_keys(&key_count);
  size_t starts = key_count > (size_t)page ? key_count - (size_t)page : 1;
  static uint8_t copy[1 << 20];
  static histogram none;
  uint64_t count = 0, began = now_ns(), until = began + (uint64_t)(seconds * 1e9), now;
  double cpu = own_cpu_us();
  do {
    sqlite3_bind_text(query, 1, keys + 37 * (next_random(&seed) % starts), 36, SQLITE_STATIC);
    sqlite3_bind_int64(query, 2, page);
    size_t length = 0;
    while (sqlite3_step(query) == SQLITE_ROW) length += copy_row(query, copy + length % 500000);
    sqlite3_reset(query);
    now = now_ns(), count++;
  } while (now < until);
  report("query", count, (double)(now - began) / 1e9, own_cpu_us() - cpu, &none);
}

int main(int count, char **arguments) {
  if (count < 3 || count % 2 == 0)
    die("usage: sqlite_limit ascending|random|fill|get|get-1000|query DATABASE [--ms N] [--rows N]"
        " [--batch N] [--page N] [--size N] [--synchronous FULL|NORMAL]");
  for (int i = 3; i < count; i += 2) {
    const char *name = arguments[i], *value = arguments[i + 1];
    if (!strcmp(name, "--ms")) seconds = (double)parse_number(name, value, 1, 600000) / 1000;
    else if (!strcmp(name, "--rows")) rows = parse_number(name, value, 1, 100000000);
    else if (!strcmp(name, "--batch")) batch = parse_number(name, value, 1, 100000);
    else if (!strcmp(name, "--page")) page = parse_number(name, value, 1, 1000);
    else if (!strcmp(name, "--size")) payload_size = parse_number(name, value, 1, 4000);
    else if (!strcmp(name, "--synchronous")) synchronous = value;
    else die("sqlite_limit: no such option: %s", name);
  }
  /* Keys of a run before this one are not to come again. */
  seed ^= now_ns() * 0x2545f4914f6cdd1du;
  open_database(arguments[2]);
  const char *mode = arguments[1];
  if (!strcmp(mode, "ascending")) run_create(mode, true, 0);
  else if (!strcmp(mode, "random")) run_create(mode, false, 0);
  else if (!strcmp(mode, "fill")) seconds = 600, batch = 1000, run_create(mode, true, (uint64_t)rows);
  else if (!strcmp(mode, "get")) run_get(false);
  else if (!strcmp(mode, "get-1000")) run_get(true);
  else if (!strcmp(mode, "query")) run_query();
  else die("sqlite_limit: no such mode: %s", mode);
  return 0;
}
