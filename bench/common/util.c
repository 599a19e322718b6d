#include "util.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

void die(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fputc('\n', stderr);
  exit(1);
}

uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void *allocate(size_t bytes) {
  void *p = calloc(1, bytes);
  if (!p) die("out of memory");
  return p;
}

uint8_t *buffer_room(buffer *b, size_t more) {
  if (b->capacity - b->length < more) {
    size_t capacity = b->capacity ? b->capacity : 512;
    while (capacity - b->length < more) capacity *= 2;
    b->bytes = realloc(b->bytes, capacity);
    if (!b->bytes) die("out of memory");
    b->capacity = capacity;
  }
  return b->bytes + b->length;
}

void buffer_append(buffer *b, const void *bytes, size_t length) {
  if (!length) return;
  memcpy(buffer_room(b, length), bytes, length);
  b->length += length;
}

void buffer_free(buffer *b) {
  free(b->bytes);
  *b = (buffer){0};
}

/* 64 buckets for each power of two from 64 ns up; below it, one for each nanosecond. */
static unsigned bucket_of(uint64_t ns) {
  if (ns < 64) return (unsigned)ns;
  unsigned power = 63u - (unsigned)__builtin_clzll(ns);
  unsigned index = (power - 5) * 64 + (unsigned)((ns >> (power - 6)) & 63);
  return index < HISTOGRAM_BUCKETS ? index : HISTOGRAM_BUCKETS - 1;
}

static double middle_of(unsigned index) {
  if (index < 64) return index;
  unsigned power = index / 64 + 5;
  return ((double)(index % 64) + 64.5) * (double)(1ull << (power - 6));
}

void histogram_add(histogram *h, uint64_t ns) {
  h->count++;
  if (ns > h->largest) h->largest = ns;
  h->buckets[bucket_of(ns)]++;
}

double histogram_us(const histogram *h, double share) {
  if (!h->count) return 0;
  uint64_t wanted = (uint64_t)(share * (double)h->count), seen = 0;
  for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
    seen += h->buckets[i];
    if (seen > wanted) return middle_of(i) / 1000;
  }
  return (double)h->largest / 1000;
}

double process_cpu_us(int pid) {
  char path[64], text[1024];
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  FILE *file = fopen(path, "r");
  if (!file) die("process %d is gone: %s", pid, strerror(errno));
  size_t length = fread(text, 1, sizeof text - 1, file);
  fclose(file);
  text[length] = 0;
  char *after = strrchr(text, ')');
  unsigned long user, system;
  if (!after || sscanf(after + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
                       &system) != 2)
    die("cannot read %s", path);
  return (double)(user + system) * 1e6 / (double)sysconf(_SC_CLK_TCK);
}

long process_resident_kib(int pid) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/statm", pid);
  FILE *file = fopen(path, "r");
  if (!file) die("process %d is gone: %s", pid, strerror(errno));
  long pages = 0;
  if (fscanf(file, "%*d %ld", &pages) != 1) pages = 0;
  fclose(file);
  return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

double own_cpu_us(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
         (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

long parse_number(const char *name, const char *text, long least, long most) {
  char *end;
  errno = 0;
  long value = strtol(text, &end, 10);
  if (errno || *end || end == text || value < least || value > most)
    die("%s takes a number from %ld to %ld, not '%s'", name, least, most, text);
  return value;
}

uint64_t next_random(uint64_t *state) {
  uint64_t x = *state;
  x ^= x << 13;
  x ^= x >> 7;
  x ^= x << 17;
  return *state = x;
}
