/* One get at a time, by each of many sessions in turn: what it costs that the others are there. */
#include <string.h>

#include "modes.h"
#include "session.h"

static h2_call *sessions;
static int session_count, turn;
static uint64_t seed = 0x2545f4914f6cdd1du, began;

static void ask(void) {
  char key[KEY_LENGTH + 1];
  h2_call *call = &sessions[turn];
  turn = (turn + 1) % session_count;
  session_key(key, next_random(&seed) % (uint64_t)the_plan.rows);
  began = now_ns();
  session_get(call, ++call->index, key);
}

static void answered(h2_call *call, const uint8_t *bytes, size_t length) {
  (void)call;
  session_answer answer = session_read(bytes, length);
  session_refuse_status(&answer);
  if (answer.kind != ANSWER_GET) die("driver: an answer of kind %u", answer.kind);
  measure_done(began);
  ask();
}

static void lost(h2_call *call, int status) {
  (void)call;
  die("driver: a session ended with status %d", status);
}

void run_spread(void) {
  static const h2_handler handler = {answered, lost};
  session_count = the_plan.connections * the_plan.streams;
  sessions = allocate((size_t)session_count * sizeof *sessions);
  for (int i = 0; i < the_plan.connections; i++) {
    h2_conn *h = h2_connect(the_plan.host, the_plan.port);
    for (int j = 0; j < the_plan.streams; j++) {
      h2_call *call = &sessions[i * the_plan.streams + j];
      call->handler = &handler;
      h2_begin(h, call, SESSION_PATH);
    }
    /* Not all at once: a listener's backlog has an end. */
    if (i % 64 == 63) net_turn(1);
  }
  ask();
  net_flush();
  measure_start();
  while (measure_goes_on()) net_turn(10);
  measure_report("");
}
