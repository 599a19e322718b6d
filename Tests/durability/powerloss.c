/* Loses the power: an LD_PRELOAD library that keeps what was not synced apart.
 *
 * For every sector of 512 bytes written to a file of the database since its last fsync, the content
 * that is durable is remembered. When the power goes, each such sector gets at random either what
 * was written or what is durable, unsynced file sizes likewise; files whose creation was not synced
 * with their directory may vanish, removed ones come back; then the process ends at once. Nothing is
 * really synced, which makes the rounds fast. The shared memory file (-shm) is memory, and goes.
 *
 * POWERLOSS_DATABASE  the database; its files are all those whose names begin with it
 * POWERLOSS_FIFO      16 bytes come through it: a seed, and how many more calls are to pass
 * POWERLOSS_BOOT      stands in for /proc/sys/kernel/random/boot_id
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECTOR = 512, MAX_FILES = 256, MAX_DESCRIPTORS = 4096, EXIT_CODE = 99 };

struct sector {
  off_t number;
  int was_there;
  unsigned char durable[SECTOR];
};

struct file {
  char path[1024];
  char saved[1064]; /* Where a removed file waits for its directory's sync. */
  int is_created;   /* And its directory not yet synced. */
  int is_removed;
  off_t durable_size;
  struct sector *sectors;
  size_t count, capacity;
};

static struct file files[MAX_FILES];
static int file_count;
static int file_of[MAX_DESCRIPTORS]; /* Index + 1 in files; -1: the directory. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *database;
static char directory[1024];
static uint64_t state;
static uint32_t countdown; /* 0: no power loss is due. */

static int (*real_open)(const char *, int, ...);
static int (*real_openat)(int, const char *, int, ...);
static int (*real_close)(int);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_write)(int, const void *, size_t);
static int (*real_ftruncate)(int, off_t);
static int (*real_unlink)(const char *);

static uint32_t roll(void) { /* splitmix64 */
  uint64_t z = state += 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return (uint32_t)(z >> 33);
}

static void resolve(void) {
  if (real_open) return;
  real_openat = dlsym(RTLD_NEXT, "openat");
  real_close = dlsym(RTLD_NEXT, "close");
  real_pwrite = dlsym(RTLD_NEXT, "pwrite");
  real_write = dlsym(RTLD_NEXT, "write");
  real_ftruncate = dlsym(RTLD_NEXT, "ftruncate");
  real_unlink = dlsym(RTLD_NEXT, "unlink");
  real_open = dlsym(RTLD_NEXT, "open");
}

static void die(const char *what) {
  dprintf(2, "powerloss: %s: %s\n", what, strerror(errno));
  _exit(98);
}

/* -- what is durable */

static struct file *of(int descriptor) {
  if (descriptor < 0 || descriptor >= MAX_DESCRIPTORS || file_of[descriptor] <= 0) return NULL;
  return &files[file_of[descriptor] - 1];
}

static void remember(struct file *file, int descriptor, off_t from, off_t to) {
  struct stat status;
  if (fstat(descriptor, &status)) die("fstat");
  for (off_t number = from / SECTOR; number * SECTOR < to; number++) {
    size_t i = file->count;
    while (i > 0 && file->sectors[i - 1].number != number) i--;
    if (i > 0) continue;
    if (file->count == file->capacity) {
      file->capacity = file->capacity ? file->capacity * 2 : 64;
      file->sectors = realloc(file->sectors, file->capacity * sizeof *file->sectors);
      if (!file->sectors) die("memory");
    }
    struct sector *sector = &file->sectors[file->count++];
    sector->number = number;
    memset(sector->durable, 0, SECTOR);
    sector->was_there = number * SECTOR < file->durable_size && number * SECTOR < status.st_size;
    if (sector->was_there && pread(descriptor, sector->durable, SECTOR, number * SECTOR) < 0)
      die("pread");
  }
}

static void synced(struct file *file, int descriptor) {
  struct stat status;
  if (fstat(descriptor, &status)) die("fstat");
  file->durable_size = status.st_size;
  file->count = 0;
}

static void directory_synced(void) {
  for (int i = 0; i < file_count; i++) {
    files[i].is_created = 0;
    if (files[i].is_removed) {
      real_unlink(files[i].saved);
      files[i].is_removed = 0;
      files[i].path[0] = 0;
    }
  }
}

/* -- the power goes */

static void lose(struct file *file) {
  if (!file->path[0]) return;
  const char *path = file->path;
  if (file->is_removed) {
    if (roll() & 1) {
      real_unlink(file->saved);
      return;
    }
    /* The removal did not reach the disk; a new file of that name has no entry either. */
    if (rename(file->saved, path)) die("rename");
  }
  if (file->is_created && roll() % 8 == 0) {
    real_unlink(path);
    return;
  }
  int descriptor = real_open(path, O_RDWR);
  if (descriptor < 0) return;
  struct stat status;
  if (fstat(descriptor, &status)) die("fstat");
  /* The disk wrote in order for a while, then as it pleased. */
  size_t whole = roll() % (file->count + 1);
  for (size_t i = whole; i < file->count; i++) {
    struct sector *sector = &file->sectors[i];
    if (roll() % 3 != 0 &&
        real_pwrite(descriptor, sector->durable, SECTOR, sector->number * SECTOR) != SECTOR)
      die("pwrite");
  }
  off_t size = status.st_size;
  if (status.st_size != file->durable_size && (roll() & 1)) size = file->durable_size;
  if (real_ftruncate(descriptor, size)) die("ftruncate");
  real_close(descriptor);
}

static void power_off(void) {
  char shared[1100];
  for (int i = 0; i < file_count; i++) lose(&files[i]);
  snprintf(shared, sizeof shared, "%s-shm", database);
  real_unlink(shared);
  _exit(EXIT_CODE);
}

/* Under the lock, before and after each call that writes or syncs. */
static void pass(void) {
  if (countdown > 0 && --countdown == 0) power_off();
}

static void *wait_for_the_end(void *unused) {
  (void)unused;
  struct {
    uint64_t seed;
    uint64_t calls;
  } order;
  int fifo = real_open(getenv("POWERLOSS_FIFO"), O_RDONLY | O_CLOEXEC);
  if (fifo < 0 || read(fifo, &order, sizeof order) != sizeof order) return NULL;
  pthread_mutex_lock(&lock);
  state = order.seed;
  countdown = (uint32_t)order.calls;
  if (countdown == 0) power_off();
  pthread_mutex_unlock(&lock);
  /* Where no more calls come, the time is up all the same. */
  usleep(300000);
  pthread_mutex_lock(&lock);
  power_off();
  return NULL;
}

__attribute__((constructor)) static void begin(void) {
  pthread_t thread;
  resolve();
  database = getenv("POWERLOSS_DATABASE");
  if (!database || !getenv("POWERLOSS_FIFO")) {
    database = NULL;
    return;
  }
  snprintf(directory, sizeof directory, "%s", database);
  *strrchr(directory, '/') = 0;
  if (pthread_create(&thread, NULL, wait_for_the_end, NULL)) die("pthread_create");
}

/* -- the calls */

static int is_ours(const char *path) {
  size_t length = database ? strlen(database) : 0;
  const char *rest = path + length;
  if (!length || strncmp(path, database, length)) return 0;
  return !*rest || !strcmp(rest, "-wal") || !strcmp(rest, "-journal") || !strcmp(rest, "-datasync");
}

static void opened(int descriptor, const char *path, int existed) {
  if (descriptor >= MAX_DESCRIPTORS || descriptor < 0) return;
  file_of[descriptor] = 0;
  if (database && !strcmp(path, directory)) file_of[descriptor] = -1;
  if (!is_ours(path)) return;
  int index = 0;
  while (index < file_count && (files[index].is_removed || strcmp(files[index].path, path))) index++;
  if (index == MAX_FILES) die("too many files");
  if (index == file_count) {
    struct stat status;
    file_count++;
    memset(&files[index], 0, sizeof files[index]);
    snprintf(files[index].path, sizeof files[index].path, "%s", path);
    if (fstat(descriptor, &status)) die("fstat");
    files[index].durable_size = status.st_size;
    files[index].is_created = !existed;
  }
  file_of[descriptor] = index + 1;
}

static int open_any(int at, const char *path, int flags, mode_t mode) {
  resolve();
  if (getenv("POWERLOSS_BOOT") && !strcmp(path, "/proc/sys/kernel/random/boot_id"))
    path = getenv("POWERLOSS_BOOT");
  if (!database) return real_openat(at, path, flags, mode);
  pthread_mutex_lock(&lock);
  int existed = access(path, F_OK) == 0;
  int descriptor = real_openat(at, path, flags, mode);
  int kept = errno;
  opened(descriptor, path, existed);
  pthread_mutex_unlock(&lock);
  errno = kept;
  return descriptor;
}

#define MODE(flags)                       \
  mode_t mode = 0;                        \
  if ((flags) & (O_CREAT | O_TMPFILE)) {  \
    va_list list;                         \
    va_start(list, flags);                \
    mode = va_arg(list, mode_t);          \
    va_end(list);                         \
  }

int open(const char *path, int flags, ...) {
  MODE(flags) return open_any(AT_FDCWD, path, flags, mode);
}
int open64(const char *path, int flags, ...) {
  MODE(flags) return open_any(AT_FDCWD, path, flags | O_LARGEFILE, mode);
}
int openat(int at, const char *path, int flags, ...) {
  MODE(flags) return open_any(at, path, flags, mode);
}
int openat64(int at, const char *path, int flags, ...) {
  MODE(flags) return open_any(at, path, flags | O_LARGEFILE, mode);
}

int close(int descriptor) {
  resolve();
  if (descriptor >= 0 && descriptor < MAX_DESCRIPTORS) file_of[descriptor] = 0;
  return real_close(descriptor);
}

ssize_t pwrite(int descriptor, const void *bytes, size_t count, off_t offset) {
  resolve();
  if (!of(descriptor)) return real_pwrite(descriptor, bytes, count, offset);
  pthread_mutex_lock(&lock);
  struct file *file = of(descriptor);
  pass();
  remember(file, descriptor, offset, offset + (off_t)count);
  ssize_t result = real_pwrite(descriptor, bytes, count, offset);
  pass();
  pthread_mutex_unlock(&lock);
  return result;
}
ssize_t pwrite64(int descriptor, const void *bytes, size_t count, off_t offset) {
  return pwrite(descriptor, bytes, count, offset);
}

ssize_t write(int descriptor, const void *bytes, size_t count) {
  resolve();
  if (!of(descriptor)) return real_write(descriptor, bytes, count);
  off_t offset = lseek(descriptor, 0, SEEK_CUR);
  ssize_t result = pwrite(descriptor, bytes, count, offset);
  if (result > 0) lseek(descriptor, offset + result, SEEK_SET);
  return result;
}

int ftruncate(int descriptor, off_t size) {
  resolve();
  if (!of(descriptor)) return real_ftruncate(descriptor, size);
  struct stat status;
  pthread_mutex_lock(&lock);
  pass();
  if (fstat(descriptor, &status)) die("fstat");
  if (size < status.st_size) remember(of(descriptor), descriptor, size, status.st_size);
  int result = real_ftruncate(descriptor, size);
  pass();
  pthread_mutex_unlock(&lock);
  return result;
}
int ftruncate64(int descriptor, off_t size) { return ftruncate(descriptor, size); }

static int sync_any(int descriptor) {
  if (descriptor < 0 || descriptor >= MAX_DESCRIPTORS || !file_of[descriptor]) return 0;
  pthread_mutex_lock(&lock);
  pass();
  if (file_of[descriptor] < 0)
    directory_synced();
  else
    synced(of(descriptor), descriptor);
  pass();
  pthread_mutex_unlock(&lock);
  return 0;
}
int fsync(int descriptor) { return sync_any(descriptor); }
int fdatasync(int descriptor) { return sync_any(descriptor); }

int unlink(const char *path) {
  static int removed;
  resolve();
  if (!is_ours(path)) return real_unlink(path);
  pthread_mutex_lock(&lock);
  pass();
  for (int i = 0; i < file_count; i++) {
    if (files[i].is_removed || strcmp(files[i].path, path)) continue;
    snprintf(files[i].saved, sizeof files[i].saved, "%s.removed-%d", path, ++removed);
    if (!files[i].is_created && !link(path, files[i].saved)) files[i].is_removed = 1;
    if (!files[i].is_removed) files[i].path[0] = 0;
  }
  int result = real_unlink(path);
  pass();
  pthread_mutex_unlock(&lock);
  return result;
}
