/* Brokers that speak gRPC: Datasync, the bare hub, etcd. */
#include <string.h>

#include "broker.h"
#include "session.h"

static h2_call publisher, *subscriptions;
static uint64_t requests;

static void lost(h2_call *call, int status) {
  (void)call;
  die("driver: a stream of the fan-out ended with status %d", status);
}

static h2_conn *connection_of(h2_conn **connections, int connection_count, int index) {
  h2_conn **h = &connections[index % connection_count];
  if (!*h) *h = h2_connect(the_plan.host, the_plan.port);
  return *h;
}

static void open_streams(int connections, int count, const h2_handler *handler, const char *path,
                         void (*begun)(h2_call *)) {
  h2_conn **opened = allocate((size_t)connections * sizeof *opened);
  subscriptions = allocate((size_t)count * sizeof *subscriptions);
  for (int i = 0; i < count; i++) {
    h2_call *call = &subscriptions[i];
    call->handler = handler;
    call->index = (uint32_t)i;
    h2_begin(connection_of(opened, connections, i), call, path);
    if (begun) begun(call);
    /* Not all at once: a listener's backlog has an end. */
    if (i % 64 == 63) net_turn(1);
  }
}

static void accepted(h2_call *call, const uint8_t *bytes, size_t length) {
  (void)call, (void)bytes, (void)length;
  broker_accepted();
}

/* ---- the hub */

static void hub_event(h2_call *call, const uint8_t *bytes, size_t length) {
  broker_delivered((int)call->index, bytes, length);
}

static void hub_open(int connections, int count) {
  static const h2_handler handler = {hub_event, lost}, publishing = {accepted, lost};
  open_streams(connections, count, &handler, "/bench.Hub/Subscribe", NULL);
  publisher.handler = &publishing;
  h2_begin(h2_connect(the_plan.host, the_plan.port), &publisher, "/bench.Hub/Publish");
}

static void hub_publish(const char *bytes, size_t length) {
  h2_send(&publisher, (const uint8_t *)bytes, length, false);
}

const broker hub_broker = {hub_open, hub_publish};

/* ---- Datasync */

static void session_event(h2_call *call, const uint8_t *bytes, size_t length) {
  session_answer answer = session_read(bytes, length);
  if (session_is_change(&answer))
    broker_delivered((int)call->index, bytes, length);
  else
    session_refuse_status(&answer);
}

static void session_written(h2_call *call, const uint8_t *bytes, size_t length) {
  session_answer answer = session_read(bytes, length);
  session_refuse_status(&answer);
  accepted(call, bytes, length);
}

static void subscribe(h2_call *call) { session_subscribe(call, 1, "bench", NULL); }

static void session_open(int connections, int count) {
  static const h2_handler handler = {session_event, lost}, publishing = {session_written, lost};
  open_streams(connections, count, &handler, SESSION_PATH, subscribe);
  publisher.handler = &publishing;
  h2_begin(h2_connect(the_plan.host, the_plan.port), &publisher, SESSION_PATH);
}

static void session_publish(const char *bytes, size_t length) {
  session_create(&publisher, ++requests, NULL, "bench", bytes, length);
}

const broker datasync_broker = {session_open, session_publish};

/* ---- etcd: the few bytes of its protobuf by hand */

static h2_conn *etcd_writer;
static h2_call *free_puts[4096];
static int free_put_count;

static uint64_t read_varint(const uint8_t **at, const uint8_t *end) {
  uint64_t value = 0;
  for (unsigned shift = 0; *at < end && shift < 64; shift += 7) {
    uint8_t byte = *(*at)++;
    value |= (uint64_t)(byte & 0x7f) << shift;
    if (!(byte & 0x80)) break;
  }
  return value;
}

/* WatchResponse: each field 11 is an event. */
static void etcd_event(h2_call *call, const uint8_t *bytes, size_t length) {
  const uint8_t *at = bytes, *end = bytes + length;
  while (at < end) {
    uint64_t tag = read_varint(&at, end), value = read_varint(&at, end);
    if ((tag & 7) == 0) continue;
    if ((tag & 7) != 2 || value > (uint64_t)(end - at)) die("driver: not a WatchResponse");
    if (tag >> 3 == 11) broker_delivered((int)call->index, at, (size_t)value);
    at += value;
  }
}

static void watch(h2_call *call) {
  static const uint8_t request[] = {1 << 3 | 2, 7, 1 << 3 | 2, 5, 'b', 'e', 'n', 'c', 'h'};
  h2_send(call, request, sizeof request, false);
}

static void put_over(h2_call *call, int status) {
  if (status) die("driver: a put ended with status %d", status);
  free_puts[free_put_count++] = call;
  broker_accepted();
}

static void nothing(h2_call *call, const uint8_t *bytes, size_t length) {
  (void)call, (void)bytes, (void)length;
}

static void etcd_open(int connections, int count) {
  static const h2_handler handler = {etcd_event, lost};
  open_streams(connections, count, &handler, "/etcdserverpb.Watch/Watch", watch);
  etcd_writer = h2_connect(the_plan.host, the_plan.port);
}

/* PutRequest. */
static size_t put_request(uint8_t *into, const char *key, const char *bytes, size_t length) {
  uint8_t *at = into;
  size_t key_length = strlen(key);
  *at++ = 1 << 3 | 2, *at++ = (uint8_t)key_length;
  memcpy(at, key, key_length), at += key_length;
  *at++ = 2 << 3 | 2;
  *at++ = (uint8_t)(length | 0x80), *at++ = (uint8_t)(length >> 7);
  memcpy(at, bytes, length);
  return (size_t)(at - into) + length;
}

static void etcd_publish(const char *bytes, size_t length) {
  static const h2_handler handler = {nothing, put_over};
  uint8_t request[1 << 14];
  if (length > 8000) die("driver: --size is too large for a put");
  h2_call *call = free_put_count ? free_puts[--free_put_count] : allocate(sizeof *call);
  call->handler = &handler;
  h2_begin(etcd_writer, call, "/etcdserverpb.KV/Put");
  h2_send(call, request, put_request(request, "bench", bytes, length), true);
}

const broker etcd_broker = {etcd_open, etcd_publish};

/* ---- etcd's puts on their own: --streams calls at once on each connection, keys ascending */

static char value[8192];

static void put_again(h2_call *call) {
  static uint64_t count;
  char key[32];
  uint8_t request[1 << 14];
  snprintf(key, sizeof key, "bench/%016llx", (unsigned long long)count++);
  h2_begin(call->conn, call, "/etcdserverpb.KV/Put");
  call->began = now_ns();
  h2_send(call, request, put_request(request, key, value, (size_t)the_plan.size), true);
}

static void put_done(h2_call *call, int status) {
  if (status) measure_failed("a put failed");
  measure_done(call->began);
  put_again(call);
}

void run_put(void) {
  static const h2_handler handler = {nothing, put_done};
  if (the_plan.size > 8000 || the_plan.size < 128) die("driver: --size of a put is 128 to 8000");
  memset(value, 'x', sizeof value);
  for (int i = 0; i < the_plan.connections; i++) {
    h2_conn *h = h2_connect(the_plan.host, the_plan.port);
    for (int j = 0; j < the_plan.streams; j++) {
      h2_call *call = allocate(sizeof *call);
      call->conn = h;
      call->handler = &handler;
      put_again(call);
    }
  }
  net_flush();
  measure_start();
  while (measure_goes_on()) net_turn(10);
  measure_report("");
}
