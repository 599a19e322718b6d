#include "h2server.h"

#include <stdlib.h>
#include <string.h>

enum { WINDOW = 1 << 24 };

static const h2server_handler *handler;
static nghttp2_session_callbacks *callbacks;

#define FIELD(name, value)                                                            \
  {                                                                                   \
    (uint8_t *)(name), (uint8_t *)(value), sizeof(name) - 1, sizeof(value) - 1,       \
        NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE                  \
  }

static ssize_t read_out(nghttp2_session *session, int32_t id, uint8_t *into, size_t room,
                        uint32_t *flags, nghttp2_data_source *source, void *user) {
  (void)user;
  call *c = source->ptr;
  size_t length = c->out.length - c->out_sent;
  if (length > room) length = room;
  memcpy(into, c->out.bytes + c->out_sent, length);
  c->out_sent += length;
  if (c->out_sent < c->out.length) return (ssize_t)length;
  c->out.length = c->out_sent = 0;
  if (c->is_over) {
    static nghttp2_nv trailers[] = {FIELD("grpc-status", "0")};
    *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
    nghttp2_submit_trailer(session, id, trailers, 1);
    return (ssize_t)length;
  }
  if (length) return (ssize_t)length;
  c->is_deferred = true;
  return NGHTTP2_ERR_DEFERRED;
}

void call_respond(call *c) {
  static nghttp2_nv headers[] = {FIELD(":status", "200"),
                                 FIELD("content-type", "application/grpc")};
  nghttp2_data_provider provider = {.source.ptr = c, .read_callback = read_out};
  c->has_responded = true;
  nghttp2_submit_response(c->peer->session, c->id, headers, 2, &provider);
  conn_mark(&c->peer->conn);
}

void call_resume(call *c) {
  if (c->is_deferred) {
    c->is_deferred = false;
    nghttp2_session_resume_data(c->peer->session, c->id);
  }
  conn_mark(&c->peer->conn);
}

void call_finish(call *c) {
  c->is_over = true;
  if (c->has_responded)
    call_resume(c);
  else
    call_respond(c);
}

static int begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user) {
  if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
  call *c = allocate(sizeof *c);
  c->peer = user;
  c->id = frame->hd.stream_id;
  c->next = c->peer->calls;
  if (c->next) c->next->previous = c;
  c->peer->calls = c;
  nghttp2_session_set_stream_user_data(session, c->id, c);
  return 0;
}

static int header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                  size_t name_length, const uint8_t *value, size_t length, uint8_t flags,
                  void *user) {
  (void)flags, (void)user;
  if (name_length != 5 || memcmp(name, ":path", 5)) return 0;
  call *c = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
  if (!c) return 0;
  if (length >= sizeof c->path) length = sizeof c->path - 1;
  memcpy(c->path, value, length);
  c->path[length] = 0;
  return 0;
}

static int frame_received(nghttp2_session *session, const nghttp2_frame *frame, void *user) {
  (void)user;
  if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
  call *c = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
  if (!c) return 0;
  if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
    handler->began(c);
  if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) handler->half_closed(c);
  return 0;
}

static int data_received(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *bytes,
                         size_t length, void *user) {
  (void)flags, (void)user;
  call *c = nghttp2_session_get_stream_user_data(session, id);
  if (!c) return 0;
  buffer_append(&c->in, bytes, length);
  handler->received(c);
  return 0;
}

static void call_end(call *c) {
  if (handler->closed) handler->closed(c);
  if (c->next) c->next->previous = c->previous;
  if (c->previous)
    c->previous->next = c->next;
  else
    c->peer->calls = c->next;
  buffer_free(&c->in);
  buffer_free(&c->out);
  free(c);
}

static int stream_closed(nghttp2_session *session, int32_t id, uint32_t code, void *user) {
  (void)code, (void)user;
  call *c = nghttp2_session_get_stream_user_data(session, id);
  if (c) call_end(c);
  return 0;
}

static size_t input(conn *conn, const uint8_t *bytes, size_t length) {
  peer *p = (peer *)conn;
  ssize_t used = nghttp2_session_mem_recv(p->session, bytes, length);
  if (used < 0) conn_close(conn);
  return length;
}

static void turn_ends(conn *conn) {
  peer *p = (peer *)conn;
  for (;;) {
    const uint8_t *bytes;
    ssize_t length = nghttp2_session_mem_send(p->session, &bytes);
    if (length <= 0) return;
    buffer_append(&conn->out, bytes, (size_t)length);
  }
}

static void closed(conn *conn) {
  peer *p = (peer *)conn;
  while (p->calls) call_end(p->calls);
  nghttp2_session_del(p->session);
}

static void accepted(int fd) {
  peer *p = allocate(sizeof *p);
  p->conn.input = input;
  p->conn.turn_ends = turn_ends;
  p->conn.closed = closed;
  if (nghttp2_session_server_new(&p->session, callbacks, p)) die("nghttp2: no session");
  nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1000},
                                       {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, WINDOW}};
  nghttp2_submit_settings(p->session, NGHTTP2_FLAG_NONE, settings, 2);
  nghttp2_session_set_local_window_size(p->session, NGHTTP2_FLAG_NONE, 0, WINDOW);
  conn_attach(&p->conn, fd);
  conn_mark(&p->conn);
}

void h2server_run(int port, const h2server_handler *given) {
  handler = given;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, begin_headers);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, frame_received);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, data_received);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, stream_closed);
  printf("listening on 127.0.0.1:%d\n", net_listen(port, accepted));
  fflush(stdout);
  for (;;) net_turn(-1);
}
