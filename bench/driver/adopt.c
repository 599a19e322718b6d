/* What one transaction of another program costs those who are served: a session watches the table that
   it writes, others get rows of the benchmark's own, one request on its way each. For --ms nothing is
   written; then "idle" is printed, and the other program may begin. SIGUSR1 says that it has committed.
   Over once --rows changes have come and the checkpoint after them. */
#include <inttypes.h>
#include <signal.h>
#include <string.h>

#include "modes.h"
#include "session.h"

enum { MOST_SECONDS = 600 };

static h2_call watcher;
static uint64_t current, changes, checkpoint_at, seed = 0x2545f4914f6cdd1du;
static uint64_t gets[1024];
static histogram idle, meanwhile;
static bool is_idle;
static volatile sig_atomic_t is_committed;

static void committed(int signal_number) {
  (void)signal_number;
  is_committed = 1;
}

static void watched(h2_call *call, const uint8_t *bytes, size_t length) {
  (void)call;
  session_answer answer = session_read(bytes, length);
  session_refuse_status(&answer);
  if (answer.kind != ANSWER_EVENT) return;
  uint64_t wanted = (uint64_t)the_plan.rows;
  if (session_is_change(&answer)) {
    if (++changes > wanted) die("driver: more changes came than rows were written");
    return;
  }
  if (changes && changes < wanted)
    die("driver: a checkpoint came after %" PRIu64 " of the commit's %" PRIu64 " changes", changes,
        wanted);
  if (changes) checkpoint_at = now_ns();
  current++;
}

static void get(h2_call *call) {
  char key[KEY_LENGTH + 1];
  session_key(key, next_random(&seed) % 1000);
  gets[call->index] = now_ns();
  session_get(call, 1, key);
}

static void got(h2_call *call, const uint8_t *bytes, size_t length) {
  session_answer answer = session_read(bytes, length);
  session_refuse_status(&answer);
  if (answer.kind != ANSWER_GET) die("driver: an answer of kind %u", answer.kind);
  uint64_t took = now_ns() - gets[call->index];
  if (is_idle) histogram_add(&idle, took);
  else if (is_committed) histogram_add(&meanwhile, took);
  get(call);
}

static void lost(h2_call *call, int status) {
  (void)call;
  die("driver: a session ended with status %d", status);
}

static void turn_for(double seconds) {
  uint64_t until = now_ns() + (uint64_t)(seconds * 1e9);
  while (now_ns() < until) net_turn(10);
}

void run_adopt(void) {
  static const h2_handler watching = {watched, lost}, getting = {got, lost};
  signal(SIGUSR1, committed);
  watcher.handler = &watching;
  h2_begin(h2_connect(the_plan.host, the_plan.port), &watcher, SESSION_PATH);
  session_watch_table(&watcher, 1, "orders", "", NULL);
  measure_wait("the subscription", &current, 1);
  int count = the_plan.connections < 1024 ? the_plan.connections : 1024;
  h2_call *calls = allocate((size_t)count * sizeof *calls);
  for (int i = 0; i < count; i++) {
    calls[i].handler = &getting;
    calls[i].index = (uint32_t)i;
    h2_begin(h2_connect(the_plan.host, the_plan.port), &calls[i], SESSION_PATH);
    get(&calls[i]);
  }
  net_flush();
  turn_for(the_plan.warmup);
  is_idle = true;
  turn_for(the_plan.seconds);
  is_idle = false;
  printf("idle\n");
  fflush(stdout);
  uint64_t until = now_ns() + MOST_SECONDS * 1000000000ull;
  while (!checkpoint_at || !is_committed) {
    if (now_ns() > until)
      die("driver: after %d s %" PRIu64 " of %ld changes had come", MOST_SECONDS, changes,
          the_plan.rows);
    net_turn(10);
  }
  printf("{\"checkpoint_ns\":%" PRIu64 ",\"idle_p99_us\":%.1f,\"idle_gets\":%" PRIu64
         ",\"meanwhile_p99_us\":%.1f,\"meanwhile_gets\":%" PRIu64 ",\"failures\":0}\n",
         checkpoint_at, histogram_us(&idle, 0.99), idle.count, histogram_us(&meanwhile, 0.99),
         meanwhile.count);
}
