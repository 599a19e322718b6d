#pragma once
#include <sqlite3.h>

/* Swift cannot call variadic functions. */
static inline int datasync_sqlite3_omit_memory_statistics(void) {
  return sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

/* https://sqlite.org/security.html, "Untrusted SQLite Database Files" */
static inline int datasync_sqlite3_distrust_schema(sqlite3 *db) {
  int code = sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, (int *)0);
  if (code == SQLITE_OK) code = sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)0);
  return code;
}

static inline int datasync_sqlite3_trust_schema(sqlite3 *db, int on) {
  return sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, on, (int *)0);
}

static inline int datasync_sqlite3_enable_triggers(sqlite3 *db, int on) {
  return sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, on, (int *)0);
}
