/* A table as the benchmark's, and its log, written by C on SQLite: what a server's rows take without
   the server. One connection. */
#pragma once
#include <sqlite3.h>

#include "../common/util.h"

extern sqlite3 *rows_database;

/* Opens or makes the database, with the tables and pragmas that ours has. */
void rows_open(const char *path, const char *synchronous);
sqlite3_stmt *rows_prepare(const char *sql);
void rows_execute(const char *sql);

/* A transaction with some rows, each with its row in the log; keys ascend, or are random. */
void rows_begin(void);
void rows_create(const char *title, size_t length, bool is_ascending);
void rows_commit(void);
