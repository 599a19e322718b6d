/* What every program of the benchmark needs: time, bytes, percentiles, and what a process has used. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Ends the program with a message; a benchmark that cannot measure says so and stops. */
__attribute__((noreturn, format(printf, 1, 2))) void die(const char *format, ...);

/* Monotonic, in nanoseconds. */
uint64_t now_ns(void);

/* Allocates, or dies. */
void *allocate(size_t bytes);

/* Bytes that grow at the end. */
typedef struct {
  uint8_t *bytes;
  size_t length, capacity;
} buffer;

/* Makes room for `more` bytes and returns where they go; the length is not changed. */
uint8_t *buffer_room(buffer *b, size_t more);
void buffer_append(buffer *b, const void *bytes, size_t length);
void buffer_free(buffer *b);

/* Latencies in nanoseconds, in buckets that are 1.6 percent wide. */
enum { HISTOGRAM_BUCKETS = 64 * 40 };
typedef struct {
  uint64_t count, largest;
  uint32_t buckets[HISTOGRAM_BUCKETS];
} histogram;

void histogram_add(histogram *h, uint64_t ns);
/* The value below which `share` (0 to 1) of all lie, in microseconds; 0 where there are none. */
double histogram_us(const histogram *h, double share);

/* User and system time of a process, all its threads, in microseconds (/proc/PID/stat). */
double process_cpu_us(int pid);
/* Resident memory of a process in KiB (/proc/PID/statm). */
long process_resident_kib(int pid);
/* User and system time of this process, in microseconds. */
double own_cpu_us(void);

/* A number of the command line, within bounds, or the program ends. */
long parse_number(const char *name, const char *text, long least, long most);
/* A fast random number; the state is any number but 0. */
uint64_t next_random(uint64_t *state);
