/* A gRPC server with nothing in it: nghttp2, a socket, and the frames of messages. What the two
   limits (echo.c, hub.c) share. One thread. */
#pragma once
#include <nghttp2/nghttp2.h>

#include "../common/net.h"

typedef struct peer peer;

/* One call. */
typedef struct call call;

struct call {
  peer *peer;
  call *next, *previous;
  int32_t id;
  char path[64];
  /* What came and is not used up; what is to go. */
  buffer in, out;
  size_t out_sent;
  bool has_responded, is_over, is_deferred;
  void *extra;
};

struct peer {
  conn conn;
  nghttp2_session *session;
  call *calls;
};

typedef struct {
  /* The head of a call is complete. */
  void (*began)(call *);
  /* Bytes of messages have come: they are at the end of `in`, to be taken from it. */
  void (*received)(call *);
  /* The client has sent its last. */
  void (*half_closed)(call *);
  void (*closed)(call *);
} h2server_handler;

/* Response headers and a body that is what `out` holds, now and later. */
void call_respond(call *);
/* There is more in `out`. */
void call_resume(call *);
/* Once `out` is gone: trailers with status 0. */
void call_finish(call *);

/* Serves until the program is ended; prints the port first. */
void h2server_run(int port, const h2server_handler *handler);
