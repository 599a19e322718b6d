/* create, get, query and fill over sessions: each keeps --in-flight requests on its way. */
#include <inttypes.h>
#include <string.h>

#include "modes.h"
#include "session.h"

static enum { CREATE, GET, QUERY, FILL } what;
static unsigned expected;
static uint64_t seed = 0x2545f4914f6cdd1du, filled;
static char title[1 << 16];

typedef struct {
  h2_call call;
  /* When request i + 1 was sent; an id is used again once it is answered. */
  uint64_t sent[1024];
} load;

/* Where rows are in --lists, each has a title of its own: what orders by it has something to do. */
static const char *list_of_filled(uint64_t n) {
  static char list[32];
  if (the_plan.lists == 1) return "bench";
  snprintf(list, sizeof list, "list-%" PRIu64, n % (uint64_t)the_plan.lists);
  snprintf(title, 17, "%016" PRIx64, n * 0x9e3779b97f4a7c15u);
  title[16] = ' ';
  return list;
}

/* Rows after a key; or, where rows are in --lists, those of one by title. */
static void query(load *l, uint64_t request) {
  char filter[96], key[KEY_LENGTH + 1];
  unsigned page = (unsigned)the_plan.page;
  uint64_t random = next_random(&seed);
  if (the_plan.lists > 1) {
    snprintf(filter, sizeof filter, "list_id eq 'list-%" PRIu64 "'",
             random % (uint64_t)the_plan.lists);
    session_query(&l->call, request, filter, "title desc", page);
    return;
  }
  long starts = the_plan.rows > the_plan.page ? the_plan.rows - the_plan.page : 1;
  session_key(key, random % (uint64_t)starts);
  snprintf(filter, sizeof filter, "id gt '%s'", key);
  session_query(&l->call, request, filter, "", page);
}

static void ask(load *l, uint64_t request) {
  char key[KEY_LENGTH + 1];
  switch (what) {
    case CREATE:
      session_create(&l->call, request, NULL, "bench", title, (size_t)the_plan.size);
      break;
    case FILL: {
      if (filled == (uint64_t)the_plan.operations) return;
      session_key(key, filled);
      const char *list = list_of_filled(filled++);
      session_create(&l->call, request, key, list, title, (size_t)the_plan.size);
      break;
    }
    case GET:
      session_key(key, next_random(&seed) % (uint64_t)the_plan.rows);
      session_get(&l->call, request, key);
      break;
    case QUERY:
      query(l, request);
      break;
  }
  l->sent[request - 1] = now_ns();
}

static void answered(h2_call *call, const uint8_t *bytes, size_t length) {
  load *l = (load *)call;
  session_answer answer = session_read(bytes, length);
  session_refuse_status(&answer);
  if (answer.kind != expected) die("driver: an answer of kind %u", answer.kind);
  if (!answer.request || answer.request > 1024) die("driver: an answer to no request");
  if (what == QUERY && answer.length < (size_t)the_plan.page * (size_t)the_plan.size &&
      the_plan.rows > the_plan.page)
    measure_failed("a query returned less than a page");
  measure_done(l->sent[answer.request - 1]);
  ask(l, answer.request);
}

static void over(h2_call *call, int status) {
  (void)call;
  die("driver: a session ended with status %d", status);
}

void run_session(void) {
  static const h2_handler handler = {answered, over};
  const char *mode = the_plan.mode;
  what = !strcmp(mode, "create") ? CREATE : !strcmp(mode, "get") ? GET
         : !strcmp(mode, "query") ? QUERY : FILL;
  expected = what == GET ? ANSWER_GET : what == QUERY ? ANSWER_QUERY : ANSWER_WRITE;
  memset(title, 'x', sizeof title);
  if (the_plan.size > 16000) die("driver: --size is too large for a row");
  if (what == FILL && !the_plan.operations) die("driver: fill takes --operations");
  if (what == FILL) the_plan.warmup = 0, the_plan.seconds = 600;
  for (int i = 0; i < the_plan.connections; i++) {
    h2_conn *h = h2_connect(the_plan.host, the_plan.port);
    for (int j = 0; j < the_plan.streams; j++) {
      load *l = allocate(sizeof *l);
      l->call.handler = &handler;
      h2_begin(h, &l->call, SESSION_PATH);
      for (int k = 1; k <= the_plan.in_flight; k++) ask(l, (uint64_t)k);
    }
  }
  net_flush();
  measure_start();
  while (measure_goes_on()) net_turn(10);
  measure_report("");
}
