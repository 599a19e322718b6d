#include "CDatasyncFaultVFS.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <string.h>

enum { MAX_WRITERS = 16 };

static atomic_int armed = -1;
static atomic_int code;
static atomic_llong first, last;
static atomic_llong calls[FAULT_POINTS];
static atomic_int injected;
static _Thread_local int is_exempt;

static pthread_mutex_t writers_lock = PTHREAD_MUTEX_INITIALIZER;
static int is_watching;
static uint64_t writers[2][MAX_WRITERS];
static int writer_count[2];

void faults_arm(int point, int error, int64_t n, int burst) {
  for (int i = 0; i < FAULT_POINTS; i++) atomic_store(&calls[i], 0);
  atomic_store(&injected, 0);
  atomic_store(&code, error);
  atomic_store(&first, n);
  atomic_store(&last, n + burst - 1);
  atomic_store(&armed, point);
}

int faults_disarm(void) {
  atomic_store(&armed, -1);
  return atomic_load(&injected);
}

int64_t faults_calls(int point) { return atomic_load(&calls[point]); }

int faults_exempt_this_thread(int exempt) {
  int before = is_exempt;
  is_exempt = exempt;
  return before;
}

/* The code to fail with; 0: the call is made. */
static int fails(int point) {
  if (is_exempt || atomic_load(&armed) < 0) return 0;
  long long call = atomic_fetch_add(&calls[point], 1) + 1;
  if (atomic_load(&armed) != point) return 0;
  if (call < atomic_load(&first) || call > atomic_load(&last)) return 0;
  atomic_store(&injected, 1);
  return atomic_load(&code);
}

void faults_watch_writers(void) {
  pthread_mutex_lock(&writers_lock);
  is_watching = 1;
  writer_count[0] = writer_count[1] = 0;
  pthread_mutex_unlock(&writers_lock);
}

static void note_writer(int of_wal) {
  uint64_t self = (uint64_t)pthread_self();
  pthread_mutex_lock(&writers_lock);
  int known = !is_watching;
  for (int i = 0; i < writer_count[of_wal]; i++) known |= writers[of_wal][i] == self;
  if (!known && writer_count[of_wal] < MAX_WRITERS) writers[of_wal][writer_count[of_wal]++] = self;
  pthread_mutex_unlock(&writers_lock);
}

int faults_writers(int of_wal, uint64_t *threads, int limit) {
  pthread_mutex_lock(&writers_lock);
  int count = writer_count[of_wal] < limit ? writer_count[of_wal] : limit;
  memcpy(threads, writers[of_wal], (size_t)count * sizeof *threads);
  pthread_mutex_unlock(&writers_lock);
  return count;
}

/* -- files */

typedef struct {
  sqlite3_file base;
  /* 0: a database, 1: a WAL, -1: another file. */
  int of_wal;
  /* The system's own file follows. */
} File;

static sqlite3_file *real(sqlite3_file *file) { return (sqlite3_file *)((File *)file + 1); }

static int file_close(sqlite3_file *file) { return real(file)->pMethods->xClose(real(file)); }

static int file_read(sqlite3_file *file, void *bytes, int count, sqlite3_int64 offset) {
  int error = fails(FAULT_READ);
  return error ? error : real(file)->pMethods->xRead(real(file), bytes, count, offset);
}

static int file_write(sqlite3_file *file, const void *bytes, int count, sqlite3_int64 offset) {
  int of_wal = ((File *)file)->of_wal;
  if (of_wal >= 0) note_writer(of_wal);
  int error = fails(FAULT_WRITE);
  if (!error) return real(file)->pMethods->xWrite(real(file), bytes, count, offset);
  if (count > 1) real(file)->pMethods->xWrite(real(file), bytes, count / 2, offset);
  return error;
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size) {
  int error = fails(FAULT_TRUNCATE);
  return error ? error : real(file)->pMethods->xTruncate(real(file), size);
}

static int file_sync(sqlite3_file *file, int flags) {
  int error = fails(FAULT_SYNC);
  return error ? error : real(file)->pMethods->xSync(real(file), flags);
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size) {
  int error = fails(FAULT_SIZE);
  return error ? error : real(file)->pMethods->xFileSize(real(file), size);
}

static int file_lock(sqlite3_file *file, int level) {
  int error = fails(FAULT_LOCK);
  return error ? error : real(file)->pMethods->xLock(real(file), level);
}

static int file_unlock(sqlite3_file *file, int level) {
  return real(file)->pMethods->xUnlock(real(file), level);
}

static int file_check_reserved(sqlite3_file *file, int *result) {
  return real(file)->pMethods->xCheckReservedLock(real(file), result);
}

static int file_control(sqlite3_file *file, int operation, void *argument) {
  return real(file)->pMethods->xFileControl(real(file), operation, argument);
}

static int file_sector_size(sqlite3_file *file) {
  return real(file)->pMethods->xSectorSize(real(file));
}

static int file_characteristics(sqlite3_file *file) {
  return real(file)->pMethods->xDeviceCharacteristics(real(file));
}

static int file_map(sqlite3_file *file, int page, int size, int extend, void volatile **memory) {
  int error = fails(FAULT_MAP);
  return error ? error : real(file)->pMethods->xShmMap(real(file), page, size, extend, memory);
}

static int file_shm_lock(sqlite3_file *file, int offset, int count, int flags) {
  int error = flags & SQLITE_SHM_LOCK ? fails(FAULT_LOCK) : 0;
  return error ? error : real(file)->pMethods->xShmLock(real(file), offset, count, flags);
}

static void file_barrier(sqlite3_file *file) { real(file)->pMethods->xShmBarrier(real(file)); }

static int file_unmap(sqlite3_file *file, int is_removed) {
  return real(file)->pMethods->xShmUnmap(real(file), is_removed);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_check_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector_size,
    .xDeviceCharacteristics = file_characteristics,
    .xShmMap = file_map,
    .xShmLock = file_shm_lock,
    .xShmBarrier = file_barrier,
    .xShmUnmap = file_unmap,
};

/* -- the VFS; what is not here is the system's own */

static sqlite3_vfs *system_vfs;
static sqlite3_vfs vfs;

static int vfs_open(sqlite3_vfs *self, const char *name, sqlite3_file *file, int flags, int *out) {
  (void)self;
  File *ours = (File *)file;
  ours->base.pMethods = NULL;
  ours->of_wal = flags & SQLITE_OPEN_MAIN_DB ? 0 : flags & SQLITE_OPEN_WAL ? 1 : -1;
  int error = fails(FAULT_OPEN);
  if (error) return error;
  error = system_vfs->xOpen(system_vfs, name, real(file), flags, out);
  if (real(file)->pMethods) ours->base.pMethods = &methods;
  return error;
}

static int vfs_delete(sqlite3_vfs *self, const char *name, int sync_directory) {
  (void)self;
  int error = fails(FAULT_DELETE);
  return error ? error : system_vfs->xDelete(system_vfs, name, sync_directory);
}

static int vfs_access(sqlite3_vfs *self, const char *name, int flags, int *result) {
  (void)self;
  int error = fails(FAULT_ACCESS);
  return error ? error : system_vfs->xAccess(system_vfs, name, flags, result);
}

static int vfs_full_path(sqlite3_vfs *self, const char *name, int count, char *path) {
  (void)self;
  return system_vfs->xFullPathname(system_vfs, name, count, path);
}

/* -- the allocator */

static sqlite3_mem_methods system_memory;

static void *allocate(int size) {
  return fails(FAULT_ALLOCATE) ? NULL : system_memory.xMalloc(size);
}

static void *reallocate(void *memory, int size) {
  return fails(FAULT_ALLOCATE) ? NULL : system_memory.xRealloc(memory, size);
}

int faults_install(void) {
  int error = sqlite3_config(SQLITE_CONFIG_GETMALLOC, &system_memory);
  if (error) return error;
  sqlite3_mem_methods memory = system_memory;
  memory.xMalloc = allocate;
  memory.xRealloc = reallocate;
  error = sqlite3_config(SQLITE_CONFIG_MALLOC, &memory);
  if (error) return error;
  system_vfs = sqlite3_vfs_find(NULL);
  if (!system_vfs) return SQLITE_ERROR;
  vfs = *system_vfs;
  vfs.zName = "datasync-faults";
  vfs.szOsFile = (int)sizeof(File) + system_vfs->szOsFile;
  vfs.xOpen = vfs_open;
  vfs.xDelete = vfs_delete;
  vfs.xAccess = vfs_access;
  vfs.xFullPathname = vfs_full_path;
  return sqlite3_vfs_register(&vfs, 1);
}
