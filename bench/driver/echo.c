/* Echoes: one message a call, or messages on calls that stay. */
#include <string.h>

#include "modes.h"

static uint8_t payload[1 << 16];
static size_t payload_length, expected_length;

static void begin(h2_call *call) {
  h2_begin(call->conn, call, the_plan.path);
  call->began = now_ns();
  h2_send(call, payload, payload_length, true);
}

static void answered(h2_call *call, const uint8_t *bytes, size_t length) {
  (void)call, (void)bytes;
  if (length != expected_length) measure_failed("an echo of another length");
}

static void over(h2_call *call, int status) {
  if (status) measure_failed("a call failed");
  measure_done(call->began);
  begin(call);
}

static void echoed(h2_call *call, const uint8_t *bytes, size_t length) {
  answered(call, bytes, length);
  measure_done(call->began);
  call->began = now_ns();
  h2_send(call, payload, payload_length, false);
}

static void stream_over(h2_call *call, int status) {
  (void)call, (void)status;
  die("driver: a stream ended by itself with status %d", status);
}

/* grpc.testing's messages: SimpleRequest and StreamingOutputCallRequest with a payload, and as many
   bytes asked for. */
static void make_payload(void) {
  size_t size = (size_t)the_plan.size;
  if (size > sizeof payload - 64) die("driver: --size is too large for an echo");
  uint8_t body[16], *at = payload, *b = body;
  payload_length = expected_length = size;
  memset(payload, 'x', size);
  if (!strstr(the_plan.path, "grpc.testing")) return;
  if (size < 128 || size > 16383) die("driver: --size is 128 to 16383 for grpc.testing");
  bool is_stream = strstr(the_plan.path, "FullDuplexCall") != NULL;
  uint8_t low = (uint8_t)(size | 0x80), high = (uint8_t)(size >> 7);
  if (is_stream) {
    *at++ = 2 << 3 | 2, *at++ = 3, *at++ = 1 << 3, *at++ = low, *at++ = high;
  } else {
    *at++ = 2 << 3, *at++ = low, *at++ = high;
  }
  *b++ = 2 << 3 | 2, *b++ = low, *b++ = high;
  size_t inner = (size_t)(b - body) + size;
  *at++ = 3 << 3 | 2, *at++ = (uint8_t)(inner | 0x80), *at++ = (uint8_t)(inner >> 7);
  memcpy(at, body, (size_t)(b - body));
  at += b - body;
  memset(at, 'x', size);
  payload_length = (size_t)(at - payload) + size;
  expected_length = 3 + inner;
}

static void open_all(const h2_handler *handler, bool is_stream) {
  make_payload();
  for (int i = 0; i < the_plan.connections; i++) {
    h2_conn *h = h2_connect(the_plan.host, the_plan.port);
    for (int j = 0; j < the_plan.streams; j++) {
      h2_call *call = allocate(sizeof *call);
      call->conn = h;
      call->handler = handler;
      if (is_stream) {
        h2_begin(h, call, the_plan.path);
        for (int k = 0; k < the_plan.in_flight; k++)
          h2_send(call, payload, payload_length, false);
        call->began = now_ns();
      } else {
        begin(call);
      }
    }
  }
}

static void run(const h2_handler *handler, bool is_stream) {
  open_all(handler, is_stream);
  net_flush();
  measure_start();
  while (measure_goes_on()) net_turn(10);
  measure_report("");
}

void run_unary(void) {
  static const h2_handler handler = {answered, over};
  run(&handler, false);
}

void run_stream(void) {
  static const h2_handler handler = {echoed, stream_over};
  run(&handler, true);
}
