/* Fails the n-th call: an LD_PRELOAD library, told what to fail through a shared file.
 *
 * Failpoints, by number: 1 write, 2 sync, 3 truncate, 4 open of a file of the database; 5 allocation,
 * of libsqlite3 alone (Swift itself ends the process where memory is refused).
 *
 * FAULTS_DATABASE  the database; its files are all those whose names begin with it
 * FAULTS_CONTROL   the file with `struct control`
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { WRITE = 1, SYNC, TRUNCATE, OPEN, ALLOCATE, KINDS, MAX_DESCRIPTORS = 4096 };

struct control {
  int32_t kind;  /* 0: none */
  int32_t error; /* errno */
  int32_t left;  /* Calls until it fails, this one included. */
  int32_t is_sticky;
  int32_t injected;
  int32_t calls[KINDS];
};

extern void *__libc_malloc(size_t);
extern void *__libc_realloc(void *, size_t);

static struct control *control;
static const char *database;
static char is_ours[MAX_DESCRIPTORS];
static uintptr_t sqlite_from, sqlite_to;

static int (*real_openat)(int, const char *, int, ...);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_write)(int, const void *, size_t);
static int (*real_ftruncate)(int, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_close)(int);

static void resolve(void) {
  if (real_close) return;
  real_openat = dlsym(RTLD_NEXT, "openat");
  real_pwrite = dlsym(RTLD_NEXT, "pwrite");
  real_write = dlsym(RTLD_NEXT, "write");
  real_ftruncate = dlsym(RTLD_NEXT, "ftruncate");
  real_fsync = dlsym(RTLD_NEXT, "fsync");
  real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
  real_close = dlsym(RTLD_NEXT, "close");
}

static int find(struct dl_phdr_info *info, size_t size, void *unused) {
  (void)size, (void)unused;
  if (!strstr(info->dlpi_name, "libsqlite3")) return 0;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *header = &info->dlpi_phdr[i];
    if (header->p_type != PT_LOAD || !(header->p_flags & PF_X)) continue;
    sqlite_from = info->dlpi_addr + header->p_vaddr;
    sqlite_to = sqlite_from + header->p_memsz;
  }
  return 1;
}

__attribute__((constructor)) static void begin(void) {
  resolve();
  database = getenv("FAULTS_DATABASE");
  const char *path = getenv("FAULTS_CONTROL");
  if (!database || !path) return;
  dl_iterate_phdr(find, NULL);
  int descriptor = real_openat(AT_FDCWD, path, O_RDWR | O_CLOEXEC);
  if (descriptor < 0) _exit(98);
  void *shared =
      mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  real_close(descriptor);
  if (shared == MAP_FAILED) _exit(98);
  control = shared;
}

/* Whether this call is to fail; errno is set then. */
static int fails(int kind) {
  if (!control) return 0;
  __atomic_add_fetch(&control->calls[kind], 1, __ATOMIC_RELAXED);
  if (__atomic_load_n(&control->kind, __ATOMIC_ACQUIRE) != kind) return 0;
  int left = __atomic_sub_fetch(&control->left, 1, __ATOMIC_RELAXED);
  if (left > 0 || (left < 0 && !control->is_sticky)) return 0;
  __atomic_add_fetch(&control->injected, 1, __ATOMIC_RELAXED);
  errno = control->error;
  return 1;
}

static int of_database(int descriptor) {
  return descriptor >= 0 && descriptor < MAX_DESCRIPTORS && is_ours[descriptor];
}

static int open_any(int at, const char *path, int flags, mode_t mode) {
  resolve();
  size_t length = database ? strlen(database) : 0;
  int ours = length && !strncmp(path, database, length) && !strstr(path + length, ".log");
  if (ours && fails(OPEN)) return -1;
  int descriptor = real_openat(at, path, flags, mode);
  /* The companion file is a hint: its writes are not checked, by design. */
  if (descriptor >= 0 && descriptor < MAX_DESCRIPTORS)
    is_ours[descriptor] = ours && strcmp(path + length, "-datasync");
  return descriptor;
}

#define MODE(flags)                      \
  mode_t mode = 0;                       \
  if ((flags) & (O_CREAT | O_TMPFILE)) { \
    va_list list;                        \
    va_start(list, flags);               \
    mode = va_arg(list, mode_t);         \
    va_end(list);                        \
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
  if (descriptor >= 0 && descriptor < MAX_DESCRIPTORS) is_ours[descriptor] = 0;
  return real_close(descriptor);
}

ssize_t pwrite(int descriptor, const void *bytes, size_t count, off_t offset) {
  resolve();
  if (of_database(descriptor) && fails(WRITE)) {
    int error = errno;
    /* A write that fails may have written some. */
    if (count > 512) real_pwrite(descriptor, bytes, 512, offset);
    errno = error;
    return -1;
  }
  return real_pwrite(descriptor, bytes, count, offset);
}
ssize_t pwrite64(int descriptor, const void *bytes, size_t count, off_t offset) {
  return pwrite(descriptor, bytes, count, offset);
}
ssize_t write(int descriptor, const void *bytes, size_t count) {
  resolve();
  if (of_database(descriptor) && fails(WRITE)) return -1;
  return real_write(descriptor, bytes, count);
}
int ftruncate(int descriptor, off_t size) {
  resolve();
  if (of_database(descriptor) && fails(TRUNCATE)) return -1;
  return real_ftruncate(descriptor, size);
}
int ftruncate64(int descriptor, off_t size) { return ftruncate(descriptor, size); }
int fsync(int descriptor) {
  resolve();
  if (of_database(descriptor) && fails(SYNC)) return -1;
  return real_fsync(descriptor);
}
int fdatasync(int descriptor) {
  resolve();
  if (of_database(descriptor) && fails(SYNC)) return -1;
  return real_fdatasync(descriptor);
}

static int from_sqlite(void *caller) {
  return (uintptr_t)caller >= sqlite_from && (uintptr_t)caller < sqlite_to;
}
void *malloc(size_t size) {
  if (from_sqlite(__builtin_return_address(0)) && fails(ALLOCATE)) return NULL;
  return __libc_malloc(size);
}
void *realloc(void *memory, size_t size) {
  if (from_sqlite(__builtin_return_address(0)) && fails(ALLOCATE)) return NULL;
  return __libc_realloc(memory, size);
}
