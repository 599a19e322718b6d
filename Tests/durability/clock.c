/* Sets the calendar's clock of a process ahead or back: an LD_PRELOAD library, told by how much
 * through a shared file. The time since the start goes on as ever.
 *
 * CLOCK_CONTROL   the file with the offset in microseconds, an int64_t
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const int64_t *offset;

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("CLOCK_CONTROL");
  if (!path) return;
  long descriptor = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) _exit(98);
  void *shared = mmap(NULL, sizeof *offset, PROT_READ, MAP_SHARED, (int)descriptor, 0);
  syscall(SYS_close, descriptor);
  if (shared == MAP_FAILED) _exit(98);
  offset = shared;
}

static void shift(struct timespec *at, int sign) {
  if (!offset) return;
  int64_t nanoseconds = at->tv_nsec + sign * (*offset % 1000000) * 1000;
  at->tv_sec += sign * (*offset / 1000000);
  if (nanoseconds < 0) at->tv_sec--, nanoseconds += 1000000000;
  if (nanoseconds >= 1000000000) at->tv_sec++, nanoseconds -= 1000000000;
  at->tv_nsec = nanoseconds;
}

int clock_gettime(clockid_t clock, struct timespec *at) {
  static int (*real)(clockid_t, struct timespec *);
  if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
  int result = real(clock, at);
  if (!result && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) shift(at, 1);
  return result;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone) {
  (void)zone;
  struct timespec now;
  if (clock_gettime(CLOCK_REALTIME, &now)) return -1;
  at->tv_sec = now.tv_sec;
  at->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *at) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (at) *at = now.tv_sec;
  return now.tv_sec;
}

/* Who waits until a moment of this clock means the moment of the kernel's. */
int pthread_cond_timedwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex,
                           const struct timespec *restrict until) {
  static int (*real)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
  if (!real) real = dlvsym(RTLD_NEXT, "pthread_cond_timedwait", "GLIBC_2.3.2");
  if (!real) real = dlsym(RTLD_NEXT, "pthread_cond_timedwait");
  struct timespec moment = *until, now;
  /* One of the time since the start has another order of magnitude. */
  clock_gettime(CLOCK_MONOTONIC, &now);
  if (moment.tv_sec > now.tv_sec + 1000000000) shift(&moment, -1);
  return real(condition, mutex, &moment);
}

int sem_timedwait(sem_t *restrict semaphore, const struct timespec *restrict until) {
  static int (*real)(sem_t *, const struct timespec *);
  if (!real) real = dlsym(RTLD_NEXT, "sem_timedwait");
  struct timespec moment = *until;
  shift(&moment, -1);
  return real(semaphore, &moment);
}
