#pragma once
#include <stdint.h>

/* Fails the n-th call that SQLite makes: a VFS over the system's, and SQLite's allocator. For one
 * process that does nothing else; see Tests/durability/README.md, "Failpoints". */

/* What may fail. */
enum {
  FAULT_WRITE,    /* xWrite, after half of it was written */
  FAULT_SYNC,     /* xSync */
  FAULT_TRUNCATE, /* xTruncate */
  FAULT_READ,     /* xRead */
  FAULT_SIZE,     /* xFileSize */
  FAULT_OPEN,     /* xOpen */
  FAULT_ACCESS,   /* xAccess */
  FAULT_DELETE,   /* xDelete */
  FAULT_LOCK,     /* xLock, xShmLock where they take a lock */
  FAULT_MAP,      /* xShmMap */
  FAULT_ALLOCATE, /* malloc, realloc */
  FAULT_POINTS
};

/* Before anything else of SQLite's: makes the VFS the default one. 0: done. */
int faults_install(void);

/* Counts calls anew, and has the n-th of a point and those after it, `burst` in all, fail with an
 * SQLite result code. */
void faults_arm(int point, int code, int64_t n, int burst);

/* Nothing fails any more; whether something did. */
int faults_disarm(void);

/* Calls of a point since it was armed. */
int64_t faults_calls(int point);

/* Whether what this thread does is passed over; returns whether it was before. */
int faults_exempt_this_thread(int is_exempt);

/* Begins to note which threads write to databases, and which to their WALs. */
void faults_watch_writers(void);

/* The threads noted, at most `limit`; returns how many. */
int faults_writers(int of_wal, uint64_t *threads, int limit);
