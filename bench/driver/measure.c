#include "measure.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "../common/net.h"

plan the_plan = {
    .target = "datasync", .host = "127.0.0.1", .path = "/bench.Echo/Unary", .connections = 8,
    .streams = 32, .in_flight = 1, .size = 200, .subscribers = 100, .window = 16, .rows = 1000,
    .page = 100, .lists = 1, .warmup = 0.5, .seconds = 3, .mark_every = 1,
};

static enum { WARMING, MEASURING, OVER } state;
static uint64_t changes_at, began_at, ended_at, operations, failures, all_operations;
static double server_cpu, own_cpu;
static histogram latencies;

static void note_start(uint64_t now) {
  state = MEASURING;
  began_at = now;
  changes_at = now + (uint64_t)(the_plan.seconds * 1e9);
  if (the_plan.server_pid) server_cpu = process_cpu_us(the_plan.server_pid);
  own_cpu = own_cpu_us();
}

static void note_end(uint64_t now) {
  state = OVER;
  ended_at = now;
  if (the_plan.server_pid) server_cpu = process_cpu_us(the_plan.server_pid) - server_cpu;
  own_cpu = own_cpu_us() - own_cpu;
}

void measure_start(void) {
  state = WARMING;
  changes_at = now_ns() + (uint64_t)(the_plan.warmup * 1e9);
}

bool measure_goes_on(void) {
  uint64_t now = now_ns();
  bool is_enough = the_plan.operations && all_operations >= (uint64_t)the_plan.operations;
  if (state == WARMING && now >= changes_at) note_start(now);
  if (state == MEASURING && (now >= changes_at || is_enough)) note_end(now);
  return state != OVER;
}

/* Nothing is on its way: whoever counts what the server does can set a mark, and says when to go on. */
static void mark(void) {
  printf("mark\n");
  fflush(stdout);
  if (getchar() == EOF) die("driver: nobody says when to go on");
}

void measure_done(uint64_t began) {
  all_operations++;
  if (state == MEASURING) {
    operations++;
    if (began) histogram_add(&latencies, now_ns() - began);
  }
  if (the_plan.mark && all_operations >= (uint64_t)the_plan.mark &&
      (all_operations - (uint64_t)the_plan.mark) % (uint64_t)the_plan.mark_every == 0)
    mark();
}

void measure_done_many(uint64_t count) {
  all_operations += count;
  if (state == MEASURING) operations += count;
}

void measure_failed(const char *what) {
  if (!failures++) fprintf(stderr, "driver: %s\n", what);
  if (failures > 1000) die("driver: more than 1000 failures, the first: see above");
}

uint64_t measure_operations(void) { return all_operations; }

void measure_wait(const char *what, const uint64_t *count, uint64_t wanted) {
  uint64_t until = now_ns() + 60ull * 1000000000u;
  net_flush();
  while (*count < wanted) {
    if (now_ns() > until)
      die("driver: waited a minute for %s: %" PRIu64 " of %" PRIu64, what, *count, wanted);
    net_turn(10);
  }
}

void measure_report(const char *more) {
  double seconds = (double)(ended_at - began_at) / 1e9;
  double count = operations ? (double)operations : 1;
  double driver_busy = own_cpu / 1e6 / seconds;
  double server_busy = the_plan.server_pid ? server_cpu / 1e6 / seconds : 0;
  printf("{\"mode\":\"%s\",\"target\":\"%s\",\"operations\":%" PRIu64
         ",\"seconds\":%.3f,\"rate\":%.1f",
         the_plan.mode, the_plan.target, operations, seconds, (double)operations / seconds);
  if (the_plan.server_pid)
    printf(",\"cpu_us\":%.3f,\"server_busy\":%.3f,\"rss_kib\":%ld", server_cpu / count, server_busy,
           process_resident_kib(the_plan.server_pid));
  /* Where the driver has a processor to itself and uses all of it while the server has time left,
     the rate says nothing about the server. */
  printf(",\"driver_us\":%.3f,\"driver_busy\":%.3f,\"driver_bound\":%s", own_cpu / count,
         driver_busy, driver_busy > 0.93 && server_busy < 0.93 ? "true" : "false");
  if (latencies.count)
    printf(",\"p50_us\":%.1f,\"p99_us\":%.1f,\"max_us\":%.1f", histogram_us(&latencies, 0.5),
           histogram_us(&latencies, 0.99), (double)latencies.largest / 1000);
  printf(",\"failures\":%" PRIu64 "%s}\n", failures, more);
  fflush(stdout);
}
