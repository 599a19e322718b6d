/* --subscribers subscriptions on --connections, and a writer that keeps --window writes of --size
   bytes on their way. For --ms all connections are read; for as long the first one, which watches
   everything WIDE times, is not; then it has to catch up, and --ms follow in which all are read.
   What comes is compared with what the writes' answers said: everything due to a subscription, in
   order, once. Of what came nothing is kept but sequences. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "modes.h"
#include "session.h"

enum {
  /* The sleeper's subscriptions of the whole table: what a server that queues would hold, so many
     times. */
  WIDE = 8,
  MOST_SHOWN = 10, SHOWN_LENGTH = 200,
  SAMPLE_MS = 20, LINGER_MS = 300,
  ANSWER_SECONDS = 60, QUIET_SECONDS = 30, CATCH_UP_SECONDS = 300,
  MOST_BODY = 8000,
};
#define STAMP "write="
#define STAMP_FORMAT STAMP "%016" PRIx64
enum { STAMP_LENGTH = sizeof STAMP - 1 + 16 };

typedef struct {
  uint64_t *all;
  size_t count, capacity;
} sequences;

typedef struct {
  /* What came, and what had to by the writer's answers: to wide ones `everything`. */
  sequences came, due;
  /* Its last checkpoint: all to here must have come. */
  uint64_t through;
  bool has_begun, has_ended;
} subscription;

/* A write: when it was sent, to whom, and its sequence, 0 until an answer or an event says it. */
typedef struct {
  uint64_t began, sequence;
  uint32_t owner;
  bool is_delivered;
} written;

typedef struct {
  const char *name;
  double seconds;
  uint64_t writes;
  long base_kib, highest_kib;
  histogram latencies;
} phase;

enum { WARM_UP, AWAKE, ASLEEP, CATCHING_UP, AWAKE_AGAIN };
static phase phases[] = {
    [WARM_UP] = {.name = "warm-up"},         [AWAKE] = {.name = "awake"},
    [ASLEEP] = {.name = "asleep"},           [CATCHING_UP] = {.name = "catching up"},
    [AWAKE_AGAIN] = {.name = "awake again"},
};
static phase *now_in = phases;

static h2_call *sessions, writer;
static subscription *subscriptions;
static uint32_t each, count;
static sequences everything;
static written *writes;
static size_t write_count, write_capacity;
static uint64_t current, answered, delivered, changed_at, seed = 0x2545f4914f6cdd1du;
static char body[MOST_BODY];

static uint64_t violations;
static char shown[MOST_SHOWN][SHOWN_LENGTH];

/* What the server must not do; the run goes on to where it can be reported. */
__attribute__((format(printf, 1, 2))) static void violation(const char *format, ...) {
  if (violations++ >= MOST_SHOWN) return;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(shown[violations - 1], SHOWN_LENGTH, format, arguments);
  va_end(arguments);
}

static void append(sequences *s, uint64_t sequence) {
  if (s->count == s->capacity) {
    s->capacity = s->capacity ? 2 * s->capacity : 4;
    s->all = realloc(s->all, s->capacity * sizeof *s->all);
    if (!s->all) die("out of memory");
  }
  s->all[s->count++] = sequence;
}

static uint64_t last(const sequences *s) { return s->count ? s->all[s->count - 1] : 0; }

static uint32_t number_of(const subscription *s) { return (uint32_t)(s - subscriptions); }

static bool is_wide(const subscription *s) { return number_of(s) < WIDE; }

static const sequences *due_to(const subscription *s) { return is_wide(s) ? &everything : &s->due; }

static void list_of(uint32_t number, char into[32]) { snprintf(into, 32, "list-%u", number); }

/* An answer and every event of a write say the same sequence. */
static void learn(written *w, uint64_t sequence, const char *from) {
  if (!w->sequence) w->sequence = sequence;
  if (w->sequence != sequence)
    violation("write %td has sequence %" PRIu64 ", but its %s says %" PRIu64, w - writes,
              w->sequence, from, sequence);
}

/* -- what comes */

static written *write_in(session_field row) {
  const char *at = memmem(row.bytes, row.length, STAMP, sizeof STAMP - 1);
  if (!at || row.length < (size_t)the_plan.size ||
      row.bytes + row.length - (const uint8_t *)at < STAMP_LENGTH)
    return NULL;
  char digits[17] = {0};
  memcpy(digits, at + sizeof STAMP - 1, 16);
  uint64_t number = strtoull(digits, NULL, 16);
  return number < write_count ? &writes[number] : NULL;
}

static void take_change(subscription *s, session_field change) {
  uint64_t sequence = session_find(change.bytes, change.length, 4).number;
  written *w = write_in(session_find(change.bytes, change.length, 5));
  changed_at = now_ns();
  append(&s->came, sequence);
  if (!w)
    violation("subscription %u: change %" PRIu64 " has no row that was written", number_of(s),
              sequence);
  else
    learn(w, sequence, "event");
  if (sequence <= s->through)
    violation("subscription %u: change %" PRIu64 " came after the checkpoint of %" PRIu64,
              number_of(s), sequence, s->through);
  if (!w || w->owner != number_of(s) || w->is_delivered) return;
  w->is_delivered = true;
  delivered++;
  histogram_add(&now_in->latencies, changed_at - w->began);
}

static void take_checkpoint(subscription *s, session_field checkpoint) {
  uint64_t through = session_find(checkpoint.bytes, checkpoint.length, 2).number;
  if (through < s->through)
    violation("subscription %u: checkpoint %" PRIu64 " came after that of %" PRIu64, number_of(s),
              through, s->through);
  s->through = through;
  current += !s->has_begun;
  s->has_begun = true;
}

static void event_came(h2_call *call, const uint8_t *bytes, size_t length) {
  session_answer answer = session_read(bytes, length);
  if (!answer.request || answer.request > each) die("driver: an answer to no request");
  subscription *s = &subscriptions[call->index * each + answer.request - 1];
  if (!s->has_begun) session_refuse_status(&answer);
  if (answer.kind == ANSWER_STATUS) {
    violation("subscription %u ended with status %" PRIu64, number_of(s),
              session_find(answer.body, answer.length, 1).number);
    s->has_ended = true;
    return;
  }
  if (answer.kind != ANSWER_EVENT) die("driver: an answer of kind %u", answer.kind);
  if (session_is_change(&answer))
    take_change(s, session_find(answer.body, answer.length, 1));
  else
    take_checkpoint(s, session_find(answer.body, answer.length, 2));
}

static void write_answered(h2_call *call, const uint8_t *bytes, size_t length) {
  (void)call;
  session_answer answer = session_read(bytes, length);
  session_refuse_status(&answer);
  if (answer.kind != ANSWER_WRITE || !answer.request || answer.request > write_count)
    die("driver: an answer of kind %u to request %" PRIu64, answer.kind, answer.request);
  written *w = &writes[answer.request - 1];
  uint64_t sequence = session_find(answer.body, answer.length, 2).number;
  if (sequence <= last(&everything))
    violation("write %td was answered with %" PRIu64 ", after %" PRIu64, w - writes, sequence,
              last(&everything));
  learn(w, sequence, "answer");
  append(&everything, sequence);
  append(&subscriptions[w->owner].due, sequence);
  answered++;
}

static void lost(h2_call *call, int status) {
  if (call == &writer) die("driver: %s: the writer's session ended with %d", now_in->name, status);
  die("driver: %s: session %u ended with status %d", now_in->name, call->index, status);
}

/* -- what is sent */

static void subscribe(h2_call *call, uint64_t request) {
  static const h2_handler handler = {event_came, lost};
  uint32_t number = call->index * each + (uint32_t)request - 1;
  char list[32], filter[64] = "";
  list_of(number, list);
  if (number >= WIDE) snprintf(filter, sizeof filter, "list_id eq '%s'", list);
  call->handler = &handler;
  session_watch(call, request, filter, NULL);
}

static void open_all(void) {
  static const h2_handler handler = {write_answered, lost};
  sessions = allocate((size_t)the_plan.connections * sizeof *sessions);
  for (uint32_t i = 0; i < (uint32_t)the_plan.connections; i++) {
    h2_call *call = &sessions[i];
    call->index = i;
    h2_begin(h2_connect(the_plan.host, the_plan.port), call, SESSION_PATH);
    for (uint64_t request = 1; request <= each; request++) subscribe(call, request);
    measure_wait("subscriptions", &current, (uint64_t)(i + 1) * each);
  }
  writer.handler = &handler;
  h2_begin(h2_connect(the_plan.host, the_plan.port), &writer, SESSION_PATH);
}

/* Rows of the subscriptions on all connections but the sleeper's. */
static void write_one(void) {
  if (write_count == write_capacity) {
    write_capacity = write_capacity ? 2 * write_capacity : 1 << 12;
    writes = realloc(writes, write_capacity * sizeof *writes);
    if (!writes) die("out of memory");
  }
  uint32_t owner = each + (uint32_t)(next_random(&seed) % (count - each));
  writes[write_count] = (written){.began = now_ns(), .owner = owner};
  char key[KEY_LENGTH + 1], list[32], stamp[STAMP_LENGTH + 1];
  session_key(key, owner);
  list_of(owner, list);
  snprintf(stamp, sizeof stamp, STAMP_FORMAT, (uint64_t)write_count);
  memset(body, "abcdef"[next_random(&seed) % 6], (size_t)the_plan.size);
  memcpy(body, stamp, STAMP_LENGTH);
  session_replace(&writer, ++write_count, key, list, body, (size_t)the_plan.size);
}

/* -- phases */

/* Sends, handles what comes, and samples the server's memory now and then. */
static void turn(int timeout_ms) {
  static uint64_t sampled_at;
  net_flush();
  net_turn(timeout_ms);
  uint64_t now = now_ns();
  if (now - sampled_at < SAMPLE_MS * 1000000u) return;
  sampled_at = now;
  long kib = process_resident_kib(the_plan.server_pid);
  if (kib > now_in->highest_kib) now_in->highest_kib = kib;
}

static void begin_phase(int which) {
  now_in = &phases[which];
  now_in->base_kib = now_in->highest_kib = process_resident_kib(the_plan.server_pid);
}

static bool has_caught_up(const subscription *s) {
  uint64_t due = last(due_to(s));
  return s->has_ended || s->through >= due || last(&s->came) >= due;
}

/* Until subscriptions from `first` on have come as far as the writes, or nothing comes any more, or
   something is wrong already. */
static void catch_up(uint32_t first) {
  uint64_t began = now_ns();
  changed_at = began;
  while (first < count && !violations) {
    if (has_caught_up(&subscriptions[first])) {
      first++;
      continue;
    }
    uint64_t now = now_ns();
    if (now - changed_at > QUIET_SECONDS * 1000000000ull) return;
    if (now - began > CATCH_UP_SECONDS * 1000000000ull)
      die("driver: %s: subscription %u has not caught up in %d s: it is at %" PRIu64
          " of %" PRIu64, now_in->name, first, CATCH_UP_SECONDS, last(&subscriptions[first].came),
          last(due_to(&subscriptions[first])));
    turn(SAMPLE_MS);
  }
}

/* A write is on its way until it is answered and its event has come: a server that is not up to the
   load slows it down, and what is measured is not how long its queues have grown. */
static bool has_room(void) {
  uint64_t done = answered < delivered ? answered : delivered;
  return write_count - done < (uint64_t)the_plan.window;
}

/* Writes for so long, or so many; all of them answered. */
static void load(double seconds) {
  uint64_t began = now_ns(), until = began + (uint64_t)(seconds * 1e9), first = answered;
  uint64_t most = the_plan.operations ? (uint64_t)the_plan.operations : UINT64_MAX;
  uint64_t answered_at = began, seen = answered;
  for (;;) {
    uint64_t now = now_ns();
    bool goes_on = now < until && write_count - first < most && !violations;
    if (!goes_on && answered == write_count) break;
    while (goes_on && has_room() && write_count - first < most) write_one();
    if (answered != seen || answered == write_count) seen = answered, answered_at = now;
    if (now - answered_at > ANSWER_SECONDS * 1000000000ull)
      die("driver: %s: no write was answered for %d s", now_in->name, ANSWER_SECONDS);
    turn(SAMPLE_MS);
  }
  now_in->writes = answered - first;
  now_in->seconds = (double)(now_ns() - began) / 1e9;
}

/* A gap, a change out of order, twice, or of another. */
static void check(const subscription *s) {
  const sequences *came = &s->came, *due = due_to(s);
  for (size_t i = 0; i < came->count || i < due->count; i++) {
    uint64_t is = i < came->count ? came->all[i] : 0, wanted = i < due->count ? due->all[i] : 0;
    if (is == wanted) continue;
    violation("subscription %u (%s): %s: change %zu is %" PRIu64 ", due was %" PRIu64
              " (0: none); %zu came of %zu",
              number_of(s), is_wide(s) ? "wide" : "narrow", now_in->name, i, is, wanted,
              came->count, due->count);
    return;
  }
}

/* Whether it is worth going on. What was found on the way has cut the wait short: then the rest is
   not compared. */
static bool is_right(uint32_t first) {
  if (violations) return false;
  for (uint32_t i = first; i < count; i++) check(&subscriptions[i]);
  return !violations;
}

/* The whole run, as far as nothing wrong is found. `lacked`: changes that the sleeper had not
   received when it woke; `unread`: bytes of them that lay in its socket. */
static void run_phases(uint64_t *lacked, size_t *unread) {
  h2_conn *sleeper = sessions[0].conn;
  begin_phase(WARM_UP);
  load(the_plan.warmup);
  catch_up(0);
  begin_phase(AWAKE);
  load(the_plan.seconds);
  catch_up(0);
  if (!is_right(0)) return;
  begin_phase(ASLEEP);
  h2_sleep(sleeper, true);
  load(the_plan.seconds);
  catch_up(each);
  *unread = h2_unread(sleeper);
  for (uint32_t i = 0; i < WIDE; i++) *lacked += everything.count - subscriptions[i].came.count;
  if (!is_right(each)) return;
  begin_phase(CATCHING_UP);
  uint64_t woke = now_ns();
  h2_sleep(sleeper, false);
  catch_up(0);
  now_in->seconds = (double)(now_ns() - woke) / 1e9;
  if (!is_right(0)) return;
  begin_phase(AWAKE_AGAIN);
  load(the_plan.seconds);
  catch_up(0);
  /* What comes twice may come late. */
  for (uint64_t until = now_ns() + LINGER_MS * 1000000u; now_ns() < until;) turn(SAMPLE_MS);
  is_right(0);
}

static void report(uint64_t lacked, size_t unread, double seconds) {
  printf("{\"mode\":\"sleeper\",\"connections\":%d,\"subscriptions\":%u,\"wide\":%d,\"size\":%d,"
         "\"writes\":%zu,\"lacked\":%" PRIu64 ",\"unread_bytes\":%zu,\"seconds\":%.1f,"
         "\"driver_busy\":%.3f,\"driver_kib\":%ld,\"rss_kib\":%ld,\"phases\":{",
         the_plan.connections, count, WIDE, the_plan.size, write_count, lacked, unread, seconds,
         own_cpu_us() / 1e6 / seconds, process_resident_kib(getpid()),
         process_resident_kib(the_plan.server_pid));
  for (phase *p = phases; p <= now_in; p++)
    printf("%s\"%s\":{\"seconds\":%.2f,\"writes\":%" PRIu64
           ",\"p50_ms\":%.3f,\"p95_ms\":%.3f,\"base_kib\":%ld,\"highest_kib\":%ld}",
           p == phases ? "" : ",", p->name, p->seconds, p->writes,
           histogram_us(&p->latencies, 0.5) / 1000, histogram_us(&p->latencies, 0.95) / 1000,
           p->base_kib, p->highest_kib);
  printf("},\"violations\":%" PRIu64 ",\"found\":[", violations);
  for (uint64_t i = 0; i < violations && i < MOST_SHOWN; i++)
    printf("%s\"%s\"", i ? "," : "", shown[i]);
  printf("]}\n");
  fflush(stdout);
}

void run_sleeper(void) {
  if (!the_plan.server_pid) die("driver: sleeper takes --server-pid");
  if (the_plan.subscribers % the_plan.connections || the_plan.connections < 2)
    die("driver: --subscribers is a multiple of --connections, of which there are two or more");
  if (the_plan.size < STAMP_LENGTH || the_plan.size > MOST_BODY)
    die("driver: --size is from %d to %d", STAMP_LENGTH, MOST_BODY);
  count = (uint32_t)the_plan.subscribers;
  each = count / (uint32_t)the_plan.connections;
  if (each < WIDE) die("driver: the sleeper's connection has at least %d subscriptions", WIDE);
  subscriptions = allocate(count * sizeof *subscriptions);
  uint64_t began = now_ns(), lacked = 0;
  size_t unread = 0;
  open_all();
  run_phases(&lacked, &unread);
  report(lacked, unread, (double)(now_ns() - began) / 1e9);
}
