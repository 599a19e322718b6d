/* Brokers that speak lines: Redis and NATS. */
#include <stdlib.h>
#include <string.h>

#include "broker.h"

typedef struct {
  conn conn;
  int first;
  bool is_publisher;
} link;

static link *publisher;

static void lost(conn *c) {
  (void)c;
  die("driver: a connection of the fan-out was lost");
}

static link *open_link(size_t (*input)(conn *, const uint8_t *, size_t)) {
  link *l = allocate(sizeof *l);
  l->conn.input = input;
  l->conn.closed = lost;
  conn_attach(&l->conn, net_connect(the_plan.host, the_plan.port));
  return l;
}

static void say(link *l, const char *text) {
  buffer_append(&l->conn.out, text, strlen(text));
  conn_mark(&l->conn);
}

/* The end of the line that begins here, past its CR LF, or NULL where it has not all come. */
static const uint8_t *line_end(const uint8_t *at, const uint8_t *end) {
  const uint8_t *found = memchr(at, '\n', (size_t)(end - at));
  return found ? found + 1 : NULL;
}

/* ---- Redis: every reply is :number, or an array of strings and numbers */

/* Past one value, or NULL. `payload` and `length` get the last string in it. */
static const uint8_t *resp_value(const uint8_t *at, const uint8_t *end, const uint8_t **payload,
                                 size_t *length, int depth) {
  if (at >= end) return NULL;
  const uint8_t *next = line_end(at, end);
  if (!next) return NULL;
  long number = strtol((const char *)at + 1, NULL, 10);
  switch (*at) {
    case '*':
      for (long i = 0; i < number && next && depth < 4; i++)
        next = resp_value(next, end, payload, length, depth + 1);
      return next;
    case '$':
      if (number < 0) return next;
      if (end - next < number + 2) return NULL;
      *payload = next, *length = (size_t)number;
      return next + number + 2;
    case '-': die("driver: redis says %.*s", (int)(next - at), at);
    default: return next;
  }
}

static size_t redis_input(conn *c, const uint8_t *bytes, size_t length) {
  link *l = (link *)c;
  const uint8_t *at = bytes, *end = bytes + length;
  for (;;) {
    const uint8_t *payload = NULL;
    size_t size = 0;
    const uint8_t *next = resp_value(at, end, &payload, &size, 0);
    if (!next) return (size_t)(at - bytes);
    if (l->is_publisher)
      broker_accepted();
    else if (size == (size_t)the_plan.size && payload)
      broker_delivered(l->first, payload, size);
    at = next;
  }
}

/* More than one subscription on a connection: as many patterns, each of which matches. */
static void redis_open(int connections, int count) {
  for (int i = 0; i < connections; i++) {
    link *l = open_link(redis_input);
    l->first = i;
    int on_this = count / connections;
    if (on_this == 1) {
      say(l, "SUBSCRIBE bench\r\n");
      continue;
    }
    say(l, "PSUBSCRIBE");
    for (int j = 0; j < on_this; j++) {
      char pattern[256] = " bench";
      for (int k = 0; k <= j && k < 200; k++) strcat(pattern, "*");
      say(l, pattern);
    }
    say(l, "\r\n");
  }
  publisher = open_link(redis_input);
  publisher->is_publisher = true;
}

static void redis_publish(const char *bytes, size_t length) {
  char head[64];
  snprintf(head, sizeof head, "*3\r\n$7\r\nPUBLISH\r\n$5\r\nbench\r\n$%zu\r\n", length);
  say(publisher, head);
  buffer_append(&publisher->conn.out, bytes, length);
  say(publisher, "\r\n");
}

const broker redis_broker = {redis_open, redis_publish};

/* ---- NATS */

static size_t nats_input(conn *c, const uint8_t *bytes, size_t length) {
  link *l = (link *)c;
  const uint8_t *at = bytes, *end = bytes + length;
  while (at < end) {
    const uint8_t *next = line_end(at, end);
    if (!next) break;
    if (*at == 'M') {
      const uint8_t *space = memrchr(at, ' ', (size_t)(next - at));
      if (!space) die("driver: nats sent a message without a length");
      long size = strtol((const char *)space, NULL, 10);
      if (end - next < size + 2) break;
      /* MSG bench SID LENGTH: the subscription on this connection. */
      long sid = strtol((const char *)at + 10, NULL, 10);
      broker_delivered(l->first + (int)sid, next, (size_t)size);
      next += size + 2;
    } else if (*at == 'P' && at[1] == 'I') {
      say(l, "PONG\r\n");
    } else if (*at == '-') {
      die("driver: nats says %.*s", (int)(next - at), at);
    }
    at = next;
  }
  return (size_t)(at - bytes);
}

static void nats_open(int connections, int count) {
  int on_each = count / connections;
  for (int i = 0; i < connections; i++) {
    link *l = open_link(nats_input);
    l->first = i * on_each;
    say(l, "CONNECT {\"verbose\":false}\r\n");
    for (int j = 0; j < on_each; j++) {
      char line[64];
      snprintf(line, sizeof line, "SUB bench %d\r\n", j);
      say(l, line);
    }
  }
  publisher = open_link(nats_input);
  say(publisher, "CONNECT {\"verbose\":false}\r\n");
}

static void nats_publish(const char *bytes, size_t length) {
  char head[64];
  snprintf(head, sizeof head, "PUB bench %zu\r\n", length);
  say(publisher, head);
  buffer_append(&publisher->conn.out, bytes, length);
  say(publisher, "\r\n");
}

const broker nats_broker = {nats_open, nats_publish};
