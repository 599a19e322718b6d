#include "h2.h"

#include <stdlib.h>
#include <string.h>

enum {
  DATA = 0, HEADERS = 1, RST_STREAM = 3, SETTINGS = 4, PING = 6, GOAWAY = 7, WINDOW_UPDATE = 8,
  CONTINUATION = 9,
  END_STREAM = 1, ACK = 1, END_HEADERS = 4, PADDED = 8, PRIORITY = 32,
  FRAME = 9, PREFIX = 5, MOST_FRAME = 16384,
  OWN_STREAM_WINDOW = 1 << 30, FIRST_SLOTS = 256, BLOCK = 64,
};

struct h2_conn {
  conn conn;
  nghttp2_hd_inflater *inflater;
  /* Calls by (id / 2) & mask. */
  h2_call **slots;
  uint32_t mask, next_id, most_streams;
  int64_t window, first_window;
  uint64_t unacknowledged;
  char authority[32];
  /* The path that the peer's HPACK table holds. */
  char indexed_path[96];
  /* The last block that was all indexes, and the status in it. */
  uint8_t known[BLOCK];
  size_t known_length;
  int known_status;
};

static void frame_head(uint8_t *at, size_t length, uint8_t type, uint8_t flags, uint32_t id) {
  at[0] = (uint8_t)(length >> 16), at[1] = (uint8_t)(length >> 8), at[2] = (uint8_t)length;
  at[3] = type, at[4] = flags;
  at[5] = (uint8_t)(id >> 24), at[6] = (uint8_t)(id >> 16), at[7] = (uint8_t)(id >> 8);
  at[8] = (uint8_t)id;
}

static uint32_t number(const uint8_t *at) {
  return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void put_frame(h2_conn *h, uint8_t type, uint8_t flags, uint32_t id, const void *bytes,
                      size_t length) {
  uint8_t *at = buffer_room(&h->conn.out, FRAME + length);
  frame_head(at, length, type, flags, id);
  if (length) memcpy(at + FRAME, bytes, length);
  h->conn.out.length += FRAME + length;
  conn_mark(&h->conn);
}

static void put_window_update(h2_conn *h, uint32_t id, uint32_t more) {
  uint8_t bytes[4] = {(uint8_t)(more >> 24), (uint8_t)(more >> 16), (uint8_t)(more >> 8),
                      (uint8_t)more};
  put_frame(h, WINDOW_UPDATE, 0, id, bytes, 4);
}

/* A literal header field, its value not Huffman coded. `kind` is 0x40 (indexed from now on) or 0. */
static uint8_t *literal(uint8_t *at, uint8_t kind, unsigned name_index, const char *name,
                        const char *value) {
  *at++ = (uint8_t)(kind | name_index);
  if (!name_index) {
    *at++ = (uint8_t)strlen(name);
    at = (uint8_t *)stpcpy((char *)at, name);
  }
  *at++ = (uint8_t)strlen(value);
  return (uint8_t *)stpcpy((char *)at, value);
}

/* The request's header block: everything but another path by its index after the first call, as any
   gRPC client's HPACK does. */
static size_t request_block(h2_conn *h, const char *path, uint8_t *block) {
  uint8_t *at = block;
  *at++ = 0x83; /* :method POST */
  *at++ = 0x86; /* :scheme http */
  if (!h->indexed_path[0]) {
    snprintf(h->indexed_path, sizeof h->indexed_path, "%s", path);
    at = literal(at, 0x40, 4, NULL, path);
    at = literal(at, 0x40, 1, NULL, h->authority);
    at = literal(at, 0x40, 31, NULL, "application/grpc");
    at = literal(at, 0x40, 0, "te", "trailers");
    at = literal(at, 0x40, 58, NULL, "datasync-bench");
    return (size_t)(at - block);
  }
  /* Of five entries the last one put in has index 62. */
  if (!strcmp(path, h->indexed_path))
    *at++ = 0x80 | 66;
  else
    at = literal(at, 0, 4, NULL, path);
  for (uint8_t index = 65; index >= 62; index--) *at++ = (uint8_t)(0x80 | index);
  return (size_t)(at - block);
}

static void grow_slots(h2_conn *h) {
  uint32_t old = h->mask + 1;
  h2_call **slots = allocate(2 * old * sizeof *slots);
  for (uint32_t i = 0; i < old; i++)
    if (h->slots[i]) slots[(h->slots[i]->id >> 1) & (2 * old - 1)] = h->slots[i];
  free(h->slots);
  h->slots = slots;
  h->mask = 2 * old - 1;
}

void h2_begin(h2_conn *h, h2_call *call, const char *path) {
  uint8_t block[512];
  size_t length = request_block(h, path, block);
  call->conn = h;
  call->id = h->next_id;
  call->window = h->first_window;
  call->is_open = true;
  call->unacknowledged = 0;
  call->partial.length = call->waiting.length = 0;
  call->ends_after_waiting = false;
  h->next_id += 2;
  while (h->slots[(call->id >> 1) & h->mask]) grow_slots(h);
  h->slots[(call->id >> 1) & h->mask] = call;
  put_frame(h, HEADERS, END_HEADERS, call->id, block, length);
}

static void put_waiting(h2_call *call) {
  h2_conn *h = call->conn;
  size_t sent = 0;
  while (sent < call->waiting.length && h->window > 0 && call->window > 0) {
    size_t length = call->waiting.length - sent;
    if (length > MOST_FRAME) length = MOST_FRAME;
    if ((int64_t)length > h->window) length = (size_t)h->window;
    if ((int64_t)length > call->window) length = (size_t)call->window;
    bool ends = call->ends_after_waiting && sent + length == call->waiting.length;
    put_frame(h, DATA, ends ? END_STREAM : 0, call->id, call->waiting.bytes + sent, length);
    h->window -= (int64_t)length;
    call->window -= (int64_t)length;
    sent += length;
  }
  memmove(call->waiting.bytes, call->waiting.bytes + sent, call->waiting.length - sent);
  call->waiting.length -= sent;
}

void h2_send(h2_call *call, const uint8_t *bytes, size_t length, bool ends) {
  h2_conn *h = call->conn;
  size_t whole = PREFIX + length;
  uint8_t prefix[PREFIX] = {0, (uint8_t)(length >> 24), (uint8_t)(length >> 16),
                            (uint8_t)(length >> 8), (uint8_t)length};
  if (call->waiting.length || whole > MOST_FRAME || (int64_t)whole > h->window ||
      (int64_t)whole > call->window) {
    buffer_append(&call->waiting, prefix, PREFIX);
    buffer_append(&call->waiting, bytes, length);
    call->ends_after_waiting = ends;
    put_waiting(call);
    return;
  }
  uint8_t *at = buffer_room(&h->conn.out, FRAME + whole);
  frame_head(at, whole, DATA, ends ? END_STREAM : 0, call->id);
  memcpy(at + FRAME, prefix, PREFIX);
  if (length) memcpy(at + FRAME + PREFIX, bytes, length);
  h->conn.out.length += FRAME + whole;
  h->window -= (int64_t)whole;
  call->window -= (int64_t)whole;
  conn_mark(&h->conn);
}

static h2_call *find(h2_conn *h, uint32_t id) {
  h2_call *call = h->slots[(id >> 1) & h->mask];
  return call && call->id == id ? call : NULL;
}

static void end_call(h2_call *call, int status) {
  h2_conn *h = call->conn;
  h->slots[(call->id >> 1) & h->mask] = NULL;
  call->is_open = false;
  call->handler->closed(call, status);
}

/* Hands on every whole message; keeps the start of one that is not. */
static void data_came(h2_call *call, const uint8_t *bytes, size_t length) {
  if (call->partial.length) {
    buffer_append(&call->partial, bytes, length);
    bytes = call->partial.bytes;
    length = call->partial.length;
  }
  size_t used = 0;
  while (length - used >= PREFIX) {
    size_t size = number(bytes + used + 1);
    if (length - used - PREFIX < size) break;
    call->handler->message(call, bytes + used + PREFIX, size);
    used += PREFIX + size;
  }
  if (call->partial.length) {
    memmove(call->partial.bytes, call->partial.bytes + used, length - used);
    call->partial.length = length - used;
  } else {
    buffer_append(&call->partial, bytes + used, length - used);
  }
}

/* The grpc-status of a header block, or -1. */
static int block_status(h2_conn *h, const uint8_t *block, size_t length) {
  if (length == h->known_length && !memcmp(block, h->known, length)) return h->known_status;
  int status = -1;
  const uint8_t *at = block;
  size_t left = length;
  for (;;) {
    nghttp2_nv field;
    int flags = 0;
    ssize_t used = nghttp2_hd_inflate_hd2(h->inflater, &field, &flags, at, left, 1);
    if (used < 0) die("the server's header block cannot be read");
    at += used, left -= (size_t)used;
    if (flags & NGHTTP2_HD_INFLATE_EMIT) {
      if (field.namelen == 11 && !memcmp(field.name, "grpc-status", 11))
        status = atoi((const char *)field.value);
    }
    if (flags & NGHTTP2_HD_INFLATE_FINAL) break;
    if (!(flags & NGHTTP2_HD_INFLATE_EMIT) && !left) break;
  }
  nghttp2_hd_inflate_end_headers(h->inflater);
  bool is_indexes = length <= BLOCK;
  for (size_t i = 0; i < length && is_indexes; i++)
    if (!(block[i] & 0x80) || block[i] == 0xff) is_indexes = false;
  /* What has put something into the table makes every index mean something else. */
  if (!is_indexes) {
    h->known_length = 0;
  } else if (status >= 0) {
    memcpy(h->known, block, length);
    h->known_length = length;
    h->known_status = status;
  }
  return status;
}

static void headers_came(h2_conn *h, uint32_t id, bool ends, const uint8_t *block, size_t length) {
  /* The head of an answer that is all indexes says nothing and changes nothing. */
  if (!ends) {
    size_t i = 0;
    while (i < length && (block[i] & 0x80) && block[i] != 0xff) i++;
    if (i == length) return;
  }
  int status = block_status(h, block, length);
  h2_call *call = find(h, id);
  if (call && ends) end_call(call, status);
}

static void settings_came(h2_conn *h, const uint8_t *payload, size_t length) {
  for (size_t i = 0; i + 6 <= length; i += 6) {
    unsigned name = (unsigned)payload[i] << 8 | payload[i + 1];
    uint32_t value = number(payload + i + 2);
    if (name == 3) h->most_streams = value;
    if (name != 4) continue;
    int64_t more = (int64_t)value - h->first_window;
    h->first_window = value;
    for (uint32_t slot = 0; slot <= h->mask; slot++)
      if (h->slots[slot]) h->slots[slot]->window += more;
  }
  put_frame(h, SETTINGS, ACK, 0, NULL, 0);
}

static void window_came(h2_conn *h, uint32_t id, uint32_t more) {
  h2_call *call = id ? find(h, id) : NULL;
  if (call) call->window += more;
  if (!id) h->window += more;
  if (call && call->waiting.length) put_waiting(call);
  if (id) return;
  for (uint32_t slot = 0; slot <= h->mask && h->window > 0; slot++)
    if (h->slots[slot] && h->slots[slot]->waiting.length) put_waiting(h->slots[slot]);
}

static void frame_came(h2_conn *h, uint8_t type, uint8_t flags, uint32_t id, const uint8_t *payload,
                       size_t length) {
  size_t pad = 0, skip = 0;
  if ((type == DATA || type == HEADERS) && flags & PADDED) pad = payload[0], skip = 1;
  if (type == HEADERS && flags & PRIORITY) skip += 5;
  if (skip + pad > length) die("the server sent a frame that is no HTTP/2");
  h2_call *call;
  switch (type) {
    case DATA:
      h->unacknowledged += length;
      call = find(h, id);
      if (call) {
        call->unacknowledged += length;
        if (call->unacknowledged >= 1 << 28) {
          put_window_update(h, id, call->unacknowledged);
          call->unacknowledged = 0;
        }
        data_came(call, payload + skip, length - skip - pad);
      }
      if (call && call->is_open && call->id == id && flags & END_STREAM) end_call(call, -1);
      break;
    case HEADERS:
    case CONTINUATION:
      if (type == HEADERS && flags & END_HEADERS) {
        headers_came(h, id, flags & END_STREAM, payload + skip, length - skip - pad);
        break;
      }
      die("the server sends headers in more than one frame");
    case RST_STREAM:
      call = find(h, id);
      if (call) end_call(call, -1);
      break;
    case SETTINGS:
      if (!(flags & ACK)) settings_came(h, payload, length);
      break;
    case PING:
      if (!(flags & ACK)) put_frame(h, PING, ACK, 0, payload, length);
      break;
    case WINDOW_UPDATE:
      if (length == 4) window_came(h, id, number(payload) & 0x7fffffff);
      break;
    case GOAWAY:
      if (length >= 8 && number(payload + 4))
        die("the server sent GOAWAY %u %.*s", number(payload + 4), (int)(length - 8), payload + 8);
      break;
  }
}

static size_t input(conn *c, const uint8_t *bytes, size_t length) {
  h2_conn *h = (h2_conn *)c;
  size_t used = 0;
  while (length - used >= FRAME) {
    const uint8_t *at = bytes + used;
    size_t size = (size_t)at[0] << 16 | (size_t)at[1] << 8 | at[2];
    if (length - used < FRAME + size) break;
    frame_came(h, at[3], at[4], number(at + 5) & 0x7fffffff, at + FRAME, size);
    if (c->is_dead) return length;
    used += FRAME + size;
  }
  if (h->unacknowledged >= 1 << 24) {
    put_window_update(h, 0, (uint32_t)h->unacknowledged);
    h->unacknowledged = 0;
  }
  return used;
}

static void closed(conn *c) {
  h2_conn *h = (h2_conn *)c;
  for (uint32_t slot = 0; slot <= h->mask; slot++)
    if (h->slots[slot]) end_call(h->slots[slot], -1);
}

h2_conn *h2_connect(const char *host, int port) {
  h2_conn *h = allocate(sizeof *h);
  h->conn.input = input;
  h->conn.closed = closed;
  h->mask = FIRST_SLOTS - 1;
  h->slots = allocate(FIRST_SLOTS * sizeof *h->slots);
  h->next_id = 1;
  h->most_streams = 100;
  h->window = h->first_window = 65535;
  snprintf(h->authority, sizeof h->authority, "%s:%d", host, port);
  if (nghttp2_hd_inflate_new(&h->inflater)) die("out of memory");
  conn_attach(&h->conn, net_connect(host, port));
  static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  buffer_append(&h->conn.out, preface, sizeof preface - 1);
  static const uint8_t settings[] = {0, 2, 0, 0, 0, 0, 0, 4, 0x40, 0, 0, 0};
  put_frame(h, SETTINGS, 0, 0, settings, sizeof settings);
  put_window_update(h, 0, OWN_STREAM_WINDOW);
  return h;
}

uint32_t h2_most_streams(const h2_conn *h) { return h->most_streams; }

void h2_sleep(h2_conn *h, bool sleeps) { conn_sleep(&h->conn, sleeps); }

size_t h2_unread(const h2_conn *h) { return conn_unread(&h->conn); }
