/* The limit of a fan-out: every message of /bench.Hub/Publish goes to every call of
   /bench.Hub/Subscribe, and back to its publisher once it is on its way. Keeps nothing.
   usage: hub PORT */
#include <stdlib.h>
#include <string.h>

#include "h2server.h"

enum { MOST = 1 << 20 };

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

static void received(call *c) {
  if (place(c)) return;
  size_t used = 0;
  while (c->in.length - used >= 5) {
    const uint8_t *message = c->in.bytes + used;
    size_t length = 5 + ((size_t)message[1] << 24 | (size_t)message[2] << 16 |
                         (size_t)message[3] << 8 | message[4]);
    if (c->in.length - used < length) break;
    for (size_t i = 0; i < subscriber_count; i++) {
      buffer_append(&subscribers[i]->out, message, length);
      call_resume(subscribers[i]);
    }
    static const uint8_t answer[5];
    buffer_append(&c->out, answer, sizeof answer);
    call_resume(c);
    used += length;
  }
  memmove(c->in.bytes, c->in.bytes + used, c->in.length - used);
  c->in.length -= used;
}

static void half_closed(call *c) {
  if (!place(c)) call_finish(c);
}

static void closed(call *c) {
  if (!place(c)) return;
  call *last = subscribers[--subscriber_count];
  subscribers[place(c) - 1] = last;
  last->extra = c->extra;
}

int main(int count, char **arguments) {
  if (count != 2) die("usage: hub PORT");
  static const h2server_handler handler = {began, received, half_closed, closed};
  h2server_run((int)parse_number("PORT", arguments[1], 0, 65535), &handler);
}
