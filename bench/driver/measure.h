/* One measurement: what to do, for how long, and what came out, as one line of JSON. */
#pragma once
#include "../common/util.h"

typedef struct {
  const char *mode, *target, *host, *path;
  int port, server_pid;
  /* Connections, streams on each, requests in flight on each stream. */
  int connections, streams, in_flight;
  /* Bytes of a payload. */
  int size;
  /* Fan-out: subscriptions, and messages that may be on their way at once. */
  int subscribers, window;
  /* Rows that a read chooses among, and rows a query returns. */
  long rows, page;
  /* Lists that filled rows are spread over; a query then asks for one of them. */
  long lists;
  double warmup, seconds;
  /* Operations after which to stop; 0: by time alone. */
  long operations;
  /* Operations after which to say so and wait for a line, and between two such marks; 0: never. */
  long mark, mark_every;
  /* Seconds of a subscription's heartbeat; 0: the server's own. */
  long heartbeat;
} plan;

extern plan the_plan;

/* Begins the warm-up. */
void measure_start(void);
/* Whether to go on; to be asked once a turn. Notes the processes' times at the window's ends. */
bool measure_goes_on(void);
/* One operation is done. `began`: when it was, or 0 where its time does not count. */
void measure_done(uint64_t began);
/* `count` operations that took part in no latency. */
void measure_done_many(uint64_t count);
/* An operation failed; a run with failures is void. */
void measure_failed(const char *what);
/* Turns until `*count` has reached `wanted`; dies with `what` after a minute. */
void measure_wait(const char *what, const uint64_t *count, uint64_t wanted);
/* Prints the result. `more`: further members of the JSON object, or "". */
void measure_report(const char *more);
uint64_t measure_operations(void);
