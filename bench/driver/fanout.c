/* One publisher, many subscribers: with --window messages on their way (fanout), or one (latency). */
#include <inttypes.h>
#include <string.h>

#include "broker.h"

static uint64_t published, delivered;
static int seen_count;
static bool *seen, is_probing;
static char message[1 << 14];
static uint64_t sent_at;

const broker *broker_named(const char *name) {
  static const struct {
    const char *name;
    const broker *broker;
  } all[] = {{"datasync", &datasync_broker}, {"hub", &hub_broker}, {"etcd", &etcd_broker},
             {"redis", &redis_broker}, {"nats", &nats_broker}};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    if (!strcmp(all[i].name, name)) return all[i].broker;
  die("driver: no such target: %s", name);
}

void broker_accepted(void) {}

void broker_delivered(int index, const uint8_t *bytes, size_t length) {
  delivered++;
  if (is_probing) {
    if (!seen[index]) seen[index] = true, seen_count++;
    return;
  }
  if (index) {
    measure_done(0);
    return;
  }
  /* Every message says when it was sent; one subscriber reads it. */
  const uint8_t *at = memmem(bytes, length, "T=", 2);
  uint64_t began = 0;
  for (int i = 2; at && i < 18; i++) began = began << 4 | (at[i] <= '9' ? at[i] - '0' : at[i] - 'W');
  measure_done(began);
}

static void publish(const broker *b) {
  char stamp[24];
  sent_at = now_ns();
  snprintf(stamp, sizeof stamp, "T=%016" PRIx64, sent_at);
  memcpy(message, stamp, 18);
  published++;
  b->publish(message, (size_t)the_plan.size);
}

/* Publishes until every subscription has had something: only then are all of them there. */
static void probe(const broker *b, int connections, int count) {
  /* Redis delivers for a whole connection under its number. */
  int wanted = b == &redis_broker ? connections : count;
  seen = allocate((size_t)count + 1);
  is_probing = true;
  for (int i = 0; i < 600 && seen_count < wanted; i++) {
    publish(b);
    uint64_t until = now_ns() + 100000000u;
    while (now_ns() < until && seen_count < wanted) {
      net_flush();
      net_turn(5);
    }
  }
  if (seen_count < wanted)
    die("driver: after a minute only %d of %d subscriptions had a message", seen_count, wanted);
  uint64_t quiet_since = now_ns(), last = delivered;
  while (now_ns() - quiet_since < 300000000u) {
    net_turn(5);
    if (delivered != last) quiet_since = now_ns(), last = delivered;
  }
  is_probing = false;
  published = delivered = 0;
}

static void open_broker(const broker *b, int connections, int count) {
  if (the_plan.size < 32 || the_plan.size > 8000) die("driver: --size of a message is 32 to 8000");
  if (count % connections) die("driver: --subscribers is a multiple of --connections");
  memset(message, 'x', sizeof message);
  b->open(connections, count);
  probe(b, connections, count);
}

void run_fanout(void) {
  const broker *b = broker_named(the_plan.target);
  uint64_t count = (uint64_t)the_plan.subscribers;
  open_broker(b, the_plan.connections, the_plan.subscribers);
  measure_start();
  while (measure_goes_on()) {
    while ((published + 1) * count <= delivered + (uint64_t)the_plan.window * count) publish(b);
    net_flush();
    net_turn(10);
  }
  measure_report("");
}

void run_latency(void) {
  const broker *b = broker_named(the_plan.target);
  open_broker(b, 1, 1);
  measure_start();
  while (measure_goes_on()) {
    if (published == delivered) publish(b);
    net_flush();
    net_turn(10);
  }
  measure_report("");
}
