/* Another program that uses the database, as any in C does: prepared statements, and a transaction of
   so many rows of about 150 bytes in six columns. It knows nothing of a server.
   usage: foreign define|insert|all DATABASE KEY [--rows N]
     define   makes the table
     insert   inserts the rows
     all      inserts, updates and deletes them, in a transaction each
   KEY: integer, text, or without-rowid (text, in a table WITHOUT ROWID). */
#include <inttypes.h>
#include <sqlite3.h>
#include <string.h>

#include "../common/util.h"

static sqlite3 *database;
static long rows = 10000;
static bool has_text_key;

static void check(int code, const char *what) {
  if (code != SQLITE_OK && code != SQLITE_DONE && code != SQLITE_ROW)
    die("foreign: %s: %s", what, sqlite3_errmsg(database));
}

static void execute(const char *sql) { check(sqlite3_exec(database, sql, NULL, NULL, NULL), sql); }

static sqlite3_stmt *prepared(const char *sql) {
  sqlite3_stmt *statement;
  check(sqlite3_prepare_v2(database, sql, -1, &statement, NULL), sql);
  return statement;
}

static void define(const char *key) {
  char sql[512];
  snprintf(sql, sizeof sql,
           "CREATE TABLE orders (id %s PRIMARY KEY%s, customer TEXT, state TEXT, amount REAL,"
           " quantity INTEGER, note TEXT)%s",
           has_text_key ? "TEXT" : "INTEGER", has_text_key ? " NOT NULL" : "",
           !strcmp(key, "without-rowid") ? " WITHOUT ROWID" : "");
  execute(sql);
}

/* Keys ascend, which is the cheapest for the bare table: anything more weighs the most there. */
static void bind_key(sqlite3_stmt *statement, long n) {
  static char key[37];
  if (!has_text_key) {
    sqlite3_bind_int64(statement, 1, n);
    return;
  }
  snprintf(key, sizeof key, "019a0000-0000-7000-8000-%012lx",
           (unsigned long)n & 0xffffffffffff);
  sqlite3_bind_text(statement, 1, key, 36, SQLITE_STATIC);
}

static void bind_inserted(sqlite3_stmt *statement, long n) {
  static char customer[24];
  static const char note[] =
      "left with the neighbour on the second floor, who was told to expect it before noon";
  snprintf(customer, sizeof customer, "customer %ld", n % 5000);
  sqlite3_bind_text(statement, 2, customer, -1, SQLITE_STATIC);
  sqlite3_bind_text(statement, 3, "packed and ready", -1, SQLITE_STATIC);
  sqlite3_bind_double(statement, 4, (double)(n % 100000) / 100);
  sqlite3_bind_int64(statement, 5, n % 12);
  sqlite3_bind_text(statement, 6, note, sizeof note - 1, SQLITE_STATIC);
}

static void bind_updated(sqlite3_stmt *statement, long n) {
  sqlite3_bind_text(statement, 2, "on its way", -1, SQLITE_STATIC);
  sqlite3_bind_int64(statement, 3, n % 12 + 1);
}

static void bind_nothing(sqlite3_stmt *statement, long n) { (void)statement, (void)n; }

/* One transaction with the statement once a row; prints what it took as members of a JSON object. */
static void write_all(const char *name, const char *sql, void (*bind)(sqlite3_stmt *, long)) {
  sqlite3_stmt *statement = prepared(sql);
  uint64_t began = now_ns();
  double cpu = own_cpu_us();
  execute("BEGIN IMMEDIATE");
  for (long n = 1; n <= rows; n++) {
    bind_key(statement, n);
    bind(statement, n);
    check(sqlite3_step(statement), name);
    if (sqlite3_changes(database) != 1) die("foreign: %s: row %ld was not written", name, n);
    sqlite3_reset(statement);
  }
  execute("COMMIT");
  uint64_t ended = now_ns();
  printf("\"%s_us\":%.4f,\"%s_cpu_us\":%.4f,\"committed_ns\":%" PRIu64 ",", name,
         (double)(ended - began) / 1000 / (double)rows, name, (own_cpu_us() - cpu) / (double)rows,
         ended);
  sqlite3_finalize(statement);
}

static void insert(void) {
  write_all("insert",
            "INSERT INTO orders (id, customer, state, amount, quantity, note)"
            " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            bind_inserted);
}

static void all(void) {
  insert();
  write_all("update", "UPDATE orders SET state = ?2, quantity = ?3 WHERE id = ?1", bind_updated);
  write_all("delete", "DELETE FROM orders WHERE id = ?1", bind_nothing);
}

int main(int count, char **arguments) {
  if (count != 4 && !(count == 6 && !strcmp(arguments[4], "--rows")))
    die("usage: foreign define|insert|all DATABASE integer|text|without-rowid [--rows N]");
  if (count == 6) rows = parse_number("--rows", arguments[5], 1, 100000000);
  const char *mode = arguments[1], *key = arguments[3];
  has_text_key = strcmp(key, "integer");
  check(sqlite3_open(arguments[2], &database), arguments[2]);
  sqlite3_busy_timeout(database, 10000);
  execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;");
  printf("{");
  if (!strcmp(mode, "define")) define(key);
  else if (!strcmp(mode, "insert")) insert();
  else if (!strcmp(mode, "all")) all();
  else die("foreign: no such mode: %s", mode);
  printf("\"rows\":%ld,\"failures\":0}\n", rows);
  sqlite3_close(database);
  return 0;
}
