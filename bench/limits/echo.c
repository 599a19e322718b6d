/* The limit of an echo: what C on nghttp2 takes for bench.Echo/Unary and bench.Echo/Stream.
   usage: echo PORT */
#include <string.h>

#include "h2server.h"

static bool is_stream(const call *c) { return !strcmp(c->path, "/bench.Echo/Stream"); }

static void began(call *c) {
  if (is_stream(c)) call_respond(c);
}

static void received(call *c) {
  if (!is_stream(c)) return;
  buffer_append(&c->out, c->in.bytes, c->in.length);
  c->in.length = 0;
  call_resume(c);
}

static void half_closed(call *c) {
  if (!is_stream(c)) {
    buffer all = c->in;
    c->in = c->out;
    c->out = all;
  }
  call_finish(c);
}

int main(int count, char **arguments) {
  if (count != 2) die("usage: echo PORT");
  static const h2server_handler handler = {began, received, half_closed, NULL};
  h2server_run((int)parse_number("PORT", arguments[1], 0, 65535), &handler);
}
