/* Changes from the log: a subscription from a token before --rows creates, again and again. */
#include <stdlib.h>
#include <string.h>

#include "CDatasyncMessages.h"
#include "modes.h"
#include "session.h"

static char *token;
static char title[8192];
static h2_call session;
static uint64_t created, came, request;
static enum { WAITING_FOR_TOKEN, FILLING, REPLAYING } state;

static void take_token(const session_answer *answer) {
  Datasync__V1__Event *event = datasync__v1__event__unpack(NULL, answer->length, answer->body);
  if (!event || event->event_case != DATASYNC__V1__EVENT__EVENT_CHECKPOINT)
    die("driver: the first event is no checkpoint");
  ProtobufCBinaryData text = event->checkpoint->resume_token;
  token = strndup((const char *)text.data, text.len);
  datasync__v1__event__free_unpacked(event, NULL);
}

static void cancel(void) {
  Datasync__V1__CancelRequest cancel = DATASYNC__V1__CANCEL_REQUEST__INIT;
  cancel.request_id = request;
  Datasync__V1__SessionRequest whole = DATASYNC__V1__SESSION_REQUEST__INIT;
  whole.request_id = ++request;
  whole.request_case = DATASYNC__V1__SESSION_REQUEST__REQUEST_CANCEL;
  whole.cancel = &cancel;
  uint8_t packed[64];
  h2_send(&session, packed, datasync__v1__session_request__pack(&whole, packed), false);
}

static void replay(void) {
  came = 0;
  session_subscribe(&session, ++request, "bench", token);
}

static void event_came(h2_call *call, const uint8_t *bytes, size_t length) {
  (void)call;
  session_answer answer = session_read(bytes, length);
  session_refuse_status(&answer);
  switch (state) {
    case WAITING_FOR_TOKEN:
      take_token(&answer);
      state = FILLING;
      break;
    case FILLING:
      if (answer.kind == ANSWER_WRITE) created++;
      break;
    case REPLAYING:
      if (answer.request != request || !session_is_change(&answer)) break;
      measure_done(0);
      if (++came < (uint64_t)the_plan.rows) break;
      cancel();
      replay();
      break;
  }
}

static void lost(h2_call *call, int status) {
  (void)call;
  die("driver: the session ended with status %d", status);
}

void run_replay(void) {
  static const h2_handler handler = {event_came, lost};
  if (the_plan.size > 8000) die("driver: --size is too large for a row");
  memset(title, 'x', sizeof title);
  session.handler = &handler;
  h2_begin(h2_connect(the_plan.host, the_plan.port), &session, SESSION_PATH);
  session_subscribe(&session, ++request, "bench", NULL);
  uint64_t until = now_ns() + 10000000000u;
  net_flush();
  while (!token && now_ns() < until) net_turn(10);
  if (!token) die("driver: no checkpoint came in 10 s");
  cancel();
  for (uint64_t i = 0; i < (uint64_t)the_plan.rows; i++) {
    session_create(&session, request + 1 + i, NULL, "bench", title, (size_t)the_plan.size);
    if (i % 512 == 511) measure_wait("creates", &created, i - 255);
  }
  measure_wait("creates", &created, (uint64_t)the_plan.rows);
  request += (uint64_t)the_plan.rows;
  state = REPLAYING;
  replay();
  net_flush();
  measure_start();
  while (measure_goes_on()) net_turn(10);
  measure_report("");
}
