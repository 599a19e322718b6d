/* One change at a time, that one of many subscriptions sees: each of them has an equality of its own,
   and before it one that all have. */
#include <string.h>

#include "modes.h"
#include "session.h"

/* Of one session: fewer than a server allows. */
enum { EACH = 1000 };

static h2_call watcher;
static uint64_t current, began, request = 1;
static char title[1 << 14];

static void write_one(void) {
  began = now_ns();
  session_create(&watcher, ++request, NULL, "bench", title, (size_t)the_plan.size);
}

static void subscribe(h2_call *call, uint64_t id, const char *list) {
  char filter[96];
  snprintf(filter, sizeof filter, "deleted eq false and list_id eq '%s'", list);
  session_watch(call, id, filter, NULL);
}

/* The answer comes before the event, on the same stream. */
static void watched(h2_call *call, const uint8_t *bytes, size_t length) {
  (void)call;
  session_answer answer = session_read(bytes, length);
  session_refuse_status(&answer);
  if (answer.kind != ANSWER_EVENT) return;
  if (!session_is_change(&answer)) {
    current++;
    return;
  }
  measure_done(began);
  write_one();
}

static void unwatched(h2_call *call, const uint8_t *bytes, size_t length) {
  (void)call;
  session_answer answer = session_read(bytes, length);
  session_refuse_status(&answer);
  if (session_is_change(&answer)) die("driver: a subscription saw what it did not ask for");
  if (answer.kind == ANSWER_EVENT) current++;
}

static void lost(h2_call *call, int status) {
  (void)call;
  die("driver: a session ended with status %d", status);
}

static void subscribe_others(long count) {
  static const h2_handler handler = {unwatched, lost};
  h2_conn *h = NULL;
  h2_call *call = NULL;
  for (long i = 0; i < count; i++) {
    char list[32];
    snprintf(list, sizeof list, "list-%ld", i);
    if (i % (EACH * 20) == 0) h = h2_connect(the_plan.host, the_plan.port);
    if (i % EACH == 0) {
      call = allocate(sizeof *call);
      call->handler = &handler;
      h2_begin(h, call, SESSION_PATH);
    }
    subscribe(call, (uint64_t)(i % EACH) + 1, list);
    if (i % EACH == EACH - 1) measure_wait("subscriptions", &current, (uint64_t)i + 1);
  }
  measure_wait("subscriptions", &current, (uint64_t)count);
}

void run_match(void) {
  static const h2_handler handler = {watched, lost};
  if (the_plan.size > (int)sizeof title) die("driver: --size is too large for a row");
  memset(title, 'x', sizeof title);
  subscribe_others(the_plan.subscribers - 1);
  watcher.handler = &handler;
  h2_begin(h2_connect(the_plan.host, the_plan.port), &watcher, SESSION_PATH);
  subscribe(&watcher, request, "bench");
  measure_wait("the subscription", &current, (uint64_t)the_plan.subscribers);
  write_one();
  net_flush();
  measure_start();
  while (measure_goes_on()) net_turn(10);
  measure_report("");
}
