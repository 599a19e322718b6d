/* A gRPC client made for load: frames by hand, nghttp2's HPACK for what it cannot know already. A
   call costs it a fraction of what it costs any server, so that one thread can keep one busy. */
#pragma once
#include <nghttp2/nghttp2.h>

#include "../common/net.h"

typedef struct h2_conn h2_conn;
typedef struct h2_call h2_call;

typedef struct {
  /* One whole message, without its prefix. */
  void (*message)(h2_call *, const uint8_t *bytes, size_t length);
  /* The call is over: its grpc-status, or -1 where it was reset or the connection was lost. */
  void (*closed)(h2_call *, int status);
} h2_handler;

struct h2_call {
  h2_conn *conn;
  const h2_handler *handler;
  uint32_t id;
  /* The caller's own. */
  uint32_t index;
  uint64_t began;
  void *user;
  /* The rest is h2.c's. */
  int64_t window;
  uint32_t unacknowledged;
  buffer partial, waiting;
  bool ends_after_waiting, is_open;
};

h2_conn *h2_connect(const char *host, int port);

/* Starts a call on the path; `call` stays the caller's, and can be used again once closed. */
void h2_begin(h2_conn *, h2_call *call, const char *path);
/* Sends one message; `ends`: the last one. Waits where the peer's window is full. */
void h2_send(h2_call *call, const uint8_t *bytes, size_t length, bool ends);
/* Most streams that the peer allows at once, as far as it has said. */
uint32_t h2_most_streams(const h2_conn *);
/* Asleep: reads nothing and grants no window, until it is woken. */
void h2_sleep(h2_conn *, bool sleeps);
/* Bytes that have come while it sleeps. */
size_t h2_unread(const h2_conn *);
