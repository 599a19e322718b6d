/* Sessions that do nothing but hold a subscription: what each of them, and one subscription more,
   costs in resident memory. */
#include "modes.h"
#include "session.h"

static uint64_t current;

static void event_came(h2_call *call, const uint8_t *bytes, size_t length) {
  (void)call;
  session_answer answer = session_read(bytes, length);
  session_refuse_status(&answer);
  /* With `now` the first event is a checkpoint that says that the subscription is there. */
  if (answer.kind == ANSWER_EVENT) current++;
}

static void lost(h2_call *call, int status) {
  (void)call;
  die("driver: an idle session ended with status %d", status);
}

static void subscribe(h2_call *call, uint64_t request) {
  char list[32];
  snprintf(list, sizeof list, "list-%u-%u", call->index, (unsigned)request);
  session_subscribe(call, request, list, NULL);
}

/* Memory after a moment in which nothing happens any more. */
static double settled_kib(void) {
  uint64_t until = now_ns() + 1000000000u;
  while (now_ns() < until) net_turn(50);
  return (double)process_resident_kib(the_plan.server_pid);
}

void run_idle(void) {
  static const h2_handler handler = {event_came, lost};
  if (!the_plan.server_pid) die("driver: idle takes --server-pid");
  int count = the_plan.connections * the_plan.streams, more = the_plan.in_flight;
  h2_call *calls = allocate((size_t)count * sizeof *calls);
  double before = settled_kib();
  uint64_t began = now_ns();
  for (int i = 0; i < the_plan.connections; i++) {
    h2_conn *h = h2_connect(the_plan.host, the_plan.port);
    for (int j = 0; j < the_plan.streams; j++) {
      h2_call *call = &calls[i * the_plan.streams + j];
      call->handler = &handler;
      call->index = (uint32_t)(i * the_plan.streams + j);
      h2_begin(h, call, SESSION_PATH);
      subscribe(call, 1);
    }
    if (i % 64 == 63) net_turn(1);
  }
  measure_wait("the sessions' subscriptions", &current, (uint64_t)count);
  double opened_in = (double)(now_ns() - began) / 1e9, with_one = settled_kib();
  current = 0;
  for (int i = 0; i < count; i++)
    for (int k = 0; k < more; k++) subscribe(&calls[i], (uint64_t)k + 2);
  measure_wait("more subscriptions", &current, (uint64_t)count * (uint64_t)more);
  double with_more = settled_kib();
  double cpu = process_cpu_us(the_plan.server_pid);
  uint64_t quiet = now_ns();
  while (now_ns() - quiet < (uint64_t)(the_plan.seconds * 1e9)) net_turn(50);
  cpu = process_cpu_us(the_plan.server_pid) - cpu;
  printf("{\"mode\":\"idle\",\"target\":\"%s\",\"sessions\":%d,\"connections\":%d,"
         "\"before_kib\":%.0f,\"session_kib\":%.3f,\"subscription_kib\":%.4f,\"rss_kib\":%.0f,"
         "\"opened_in_s\":%.2f,\"idle_busy\":%.4f,\"failures\":0}\n",
         the_plan.target, count, the_plan.connections, before, (with_one - before) / count,
         (with_more - with_one) / count / more, with_more, opened_in,
         cpu / 1e6 / the_plan.seconds);
}
