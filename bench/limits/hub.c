/* The limit of a fan-out: every message of /bench.Hub/Publish goes to every call of
   /bench.Hub/Subscribe, and an answer to its publisher once it is on its way. Keeps nothing or, with a
   database, a row and its row in the log for each message: what comes in one turn is one commit,
   before any of it goes on.
   usage: hub PORT [DATABASE FULL|NORMAL] */
#include <stdlib.h>
#include <string.h>

#include "h2server.h"
#include "rows.h"

enum { MOST = 1 << 20 };

static bool keeps;
/* What one publisher has sent in this turn: whole messages. */
static buffer published;
static call *publisher;

static call **subscribers;
static size_t subscriber_count, subscriber_room;

/* A subscriber's place in the table, plus one. */
static size_t place(const call *c) { return (size_t)c->extra; }

static void subscribe(call *c) {
  if (subscriber_count == MOST) return;
  if (subscriber_count == subscriber_room) {
    subscriber_room = subscriber_room ? subscriber_room * 2 : 1024;
    subscribers = realloc(subscribers, subscriber_room * sizeof *subscribers);
    if (!subscribers) die("out of memory");
  }
  subscribers[subscriber_count++] = c;
  c->extra = (void *)subscriber_count;
}

static void began(call *c) {
  call_respond(c);
  if (!strcmp(c->path, "/bench.Hub/Subscribe")) subscribe(c);
}

static size_t message_length(const uint8_t *message) {
  return 5 + ((size_t)message[1] << 24 | (size_t)message[2] << 16 | (size_t)message[3] << 8 |
              message[4]);
}

static void keep(void) {
  rows_begin();
  for (size_t at = 0; at < published.length;) {
    const uint8_t *message = published.bytes + at;
    size_t length = message_length(message);
    rows_create((const char *)message + 5, length - 5, true);
    at += length;
  }
  rows_commit();
}

static void pass_on(void) {
  if (!published.length) return;
  if (keeps) keep();
  for (size_t at = 0; at < published.length;) {
    const uint8_t *message = published.bytes + at;
    size_t length = message_length(message);
    for (size_t i = 0; i < subscriber_count; i++) {
      buffer_append(&subscribers[i]->out, message, length);
      call_resume(subscribers[i]);
    }
    static const uint8_t answer[5];
    if (publisher) {
      buffer_append(&publisher->out, answer, sizeof answer);
      call_resume(publisher);
    }
    at += length;
  }
  published.length = 0;
}

static void received(call *c) {
  if (place(c)) return;
  if (publisher != c) pass_on();
  publisher = c;
  size_t used = 0;
  while (c->in.length - used >= 5) {
    size_t length = message_length(c->in.bytes + used);
    if (c->in.length - used < length) break;
    buffer_append(&published, c->in.bytes + used, length);
    used += length;
  }
  memmove(c->in.bytes, c->in.bytes + used, c->in.length - used);
  c->in.length -= used;
}

static void half_closed(call *c) {
  if (!place(c)) call_finish(c);
}

static void closed(call *c) {
  if (publisher == c) publisher = NULL;
  if (!place(c)) return;
  call *last = subscribers[--subscriber_count];
  subscribers[place(c) - 1] = last;
  last->extra = c->extra;
}

int main(int count, char **arguments) {
  if (count != 2 && count != 4) die("usage: hub PORT [DATABASE FULL|NORMAL]");
  keeps = count == 4;
  if (keeps) rows_open(arguments[2], arguments[3]);
  static const h2server_handler handler = {began, received, half_closed, closed};
  net_before_send(pass_on);
  h2server_run((int)parse_number("PORT", arguments[1], 0, 65535), &handler);
}
