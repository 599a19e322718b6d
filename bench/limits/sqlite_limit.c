/* The limit of the database: what C on SQLite takes for the same rows, the same log and the same
   durability, with nobody asking over a wire.
   usage: sqlite_limit MODE DATABASE [--NAME VALUE]... */
#include <string.h>
#include <unistd.h>

#include "rows.h"

static double seconds = 3;
static long rows = 100000, batch = 100, page = 100, payload_size = 200;
static const char *synchronous = "FULL";

static uint64_t seed = 0x9e3779b97f4a7c15u;

static void report(const char *mode, uint64_t count, double took, double cpu, const histogram *h) {
  printf("{\"mode\":\"%s\",\"target\":\"sqlite\",\"operations\":%llu,\"seconds\":%.3f,"
         "\"rate\":%.1f,\"cpu_us\":%.3f",
         mode, (unsigned long long)count, took, (double)count / took, cpu / (double)count);
  if (h->count)
    printf(",\"p50_us\":%.1f,\"p99_us\":%.1f", histogram_us(h, 0.5), histogram_us(h, 0.99));
  printf(",\"rss_kib\":%ld,\"failures\":0}\n", process_resident_kib(getpid()));
}

static void run_create(const char *mode, bool is_ascending, uint64_t most) {
  char title[4096];
  memset(title, 'x', sizeof title);
  static histogram commits;
  uint64_t count = 0, began = now_ns(), until = began + (uint64_t)(seconds * 1e9), now;
  double cpu = own_cpu_us();
  do {
    rows_begin();
    for (long i = 0; i < batch; i++) rows_create(title, (size_t)payload_size, is_ascending);
    uint64_t before = now_ns();
    rows_commit();
    now = now_ns();
    histogram_add(&commits, now - before);
    count += (uint64_t)batch;
  } while (now < until && (!most || count < most));
  report(mode, count, (double)(now - began) / 1e9, own_cpu_us() - cpu, &commits);
}

/* Every key of the table, for reads that choose among them. */
static char *all_keys(size_t *count) {
  sqlite3_stmt *statement = rows_prepare("SELECT id FROM items LIMIT ?");
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
  sqlite3_stmt *get = rows_prepare("SELECT * FROM items WHERE id=?");
  size_t key_count;
  char *keys = all_keys(&key_count);
  static uint8_t copy[65536];
  static histogram none;
  uint64_t count = 0, began = now_ns(), until = began + (uint64_t)(seconds * 1e9), now;
  double cpu = own_cpu_us();
  do {
    if (in_transactions) rows_execute("BEGIN");
    for (int i = 0; i < 1000; i++) {
      sqlite3_bind_text(get, 1, keys + 37 * (next_random(&seed) % key_count), 36, SQLITE_STATIC);
      if (sqlite3_step(get) != SQLITE_ROW) die("sqlite_limit: a key has no row");
      copy_row(get, copy);
      sqlite3_reset(get);
    }
    if (in_transactions) rows_execute("COMMIT");
    now = now_ns(), count += 1000;
  } while (now < until);
  report(in_transactions ? "get-1000" : "get", count, (double)(now - began) / 1e9,
         own_cpu_us() - cpu, &none);
}

static void run_query(void) {
  sqlite3_stmt *query = rows_prepare("SELECT * FROM items WHERE id>? ORDER BY id LIMIT ?");
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
  rows_open(arguments[2], synchronous);
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
