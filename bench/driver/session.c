#include "session.h"

#include <inttypes.h>
#include <string.h>

#include "CDatasyncMessages.h"
#include "modes.h"

static uint8_t varint(const uint8_t **at, const uint8_t *end, uint64_t *value) {
  *value = 0;
  for (unsigned shift = 0; *at < end && shift < 64; shift += 7) {
    uint8_t byte = *(*at)++;
    *value |= (uint64_t)(byte & 0x7f) << shift;
    if (!(byte & 0x80)) return 1;
  }
  return 0;
}

session_answer session_read(const uint8_t *bytes, size_t length) {
  session_answer answer = {0};
  const uint8_t *at = bytes, *end = bytes + length;
  uint64_t tag, value;
  while (at < end) {
    if (!varint(&at, end, &tag) || !varint(&at, end, &value)) die("driver: not a SessionResponse");
    if (tag == (1 << 3)) {
      answer.request = value;
      continue;
    }
    if ((tag & 7) != 2 || value > (uint64_t)(end - at)) die("driver: not a SessionResponse");
    answer.kind = (unsigned)(tag >> 3);
    answer.body = at;
    answer.length = (size_t)value;
    at += value;
  }
  return answer;
}

session_field session_find(const uint8_t *bytes, size_t length, unsigned wanted) {
  const uint8_t *at = bytes, *end = bytes + length;
  uint64_t tag, value;
  while (at < end) {
    if (!varint(&at, end, &tag) || !varint(&at, end, &value)) die("driver: not a message");
    bool is_bytes = (tag & 7) == 2;
    if ((tag & 7) && !(is_bytes && value <= (uint64_t)(end - at))) die("driver: not a message");
    if (tag >> 3 == wanted)
      return is_bytes ? (session_field){.bytes = at, .length = (size_t)value}
                      : (session_field){.number = value};
    if (is_bytes) at += value;
  }
  return (session_field){0};
}

bool session_is_change(const session_answer *answer) {
  return answer->kind == ANSWER_EVENT && answer->length && answer->body[0] == (1 << 3 | 2);
}

void session_refuse_status(const session_answer *answer) {
  if (answer->kind != ANSWER_STATUS) return;
  Google__Rpc__Status *status = google__rpc__status__unpack(NULL, answer->length, answer->body);
  if (!status) die("driver: a status that cannot be read");
  if (status->code)
    die("driver: request %" PRIu64 " was refused with %d: %.*s", answer->request, status->code,
        (int)status->message.len, (const char *)status->message.data);
  google__rpc__status__free_unpacked(status, NULL);
}

static ProtobufCBinaryData text(const char *bytes, size_t length) {
  return (ProtobufCBinaryData){length, (uint8_t *)bytes};
}

static void send_request(h2_call *call, Datasync__V1__SessionRequest *request) {
  static buffer packed;
  size_t size = datasync__v1__session_request__get_packed_size(request);
  datasync__v1__session_request__pack(request, buffer_room(&packed, size));
  h2_send(call, packed.bytes, size, false);
}

/* A field of bytes in the row's message. */
static void put_field(buffer *row, unsigned number, const char *bytes, size_t length) {
  uint8_t head[4], *at = head;
  *at++ = (uint8_t)(number << 3 | 2);
  size_t left = length;
  for (; left > 127; left >>= 7) *at++ = (uint8_t)(left | 0x80);
  *at++ = (uint8_t)left;
  buffer_append(row, head, (size_t)(at - head));
  buffer_append(row, bytes, length);
}

/* The row's bytes are this function's until it is called again. */
static Google__Protobuf__Any item(const char *key, const char *list, const char *title,
                                  size_t title_length) {
  static buffer row;
  row.length = 0;
  if (key) put_field(&row, 1, key, KEY_LENGTH);
  put_field(&row, 6, list, strlen(list));
  put_field(&row, 7, title, title_length);
  Google__Protobuf__Any entity = GOOGLE__PROTOBUF__ANY__INIT;
  entity.type_url = text(ITEMS_TYPE, sizeof ITEMS_TYPE - 1);
  entity.value = text((const char *)row.bytes, row.length);
  return entity;
}

void session_create(h2_call *call, uint64_t id, const char *key, const char *list,
                    const char *title, size_t title_length) {
  Google__Protobuf__Any entity = item(key, list, title, title_length);
  Datasync__V1__CreateRequest create = DATASYNC__V1__CREATE_REQUEST__INIT;
  create.entity = &entity;
  Datasync__V1__SessionRequest request = DATASYNC__V1__SESSION_REQUEST__INIT;
  request.request_id = id;
  request.request_case = DATASYNC__V1__SESSION_REQUEST__REQUEST_CREATE;
  request.create = &create;
  send_request(call, &request);
}

void session_replace(h2_call *call, uint64_t id, const char *key, const char *list,
                     const char *title, size_t title_length) {
  Google__Protobuf__Any entity = item(key, list, title, title_length);
  Datasync__V1__ReplaceRequest replace = DATASYNC__V1__REPLACE_REQUEST__INIT;
  replace.entity = &entity;
  replace.allow_missing = 1;
  Datasync__V1__SessionRequest request = DATASYNC__V1__SESSION_REQUEST__INIT;
  request.request_id = id;
  request.request_case = DATASYNC__V1__SESSION_REQUEST__REQUEST_REPLACE;
  request.replace = &replace;
  send_request(call, &request);
}

void session_get(h2_call *call, uint64_t id, const char *key) {
  Datasync__V1__GetRequest get = DATASYNC__V1__GET_REQUEST__INIT;
  get.table = text("items", 5);
  get.id = text(key, KEY_LENGTH);
  Datasync__V1__SessionRequest request = DATASYNC__V1__SESSION_REQUEST__INIT;
  request.request_id = id;
  request.request_case = DATASYNC__V1__SESSION_REQUEST__REQUEST_GET;
  request.get = &get;
  send_request(call, &request);
}

void session_query(h2_call *call, uint64_t id, const char *filter, const char *order,
                   unsigned rows) {
  Datasync__V1__QueryRequest query = DATASYNC__V1__QUERY_REQUEST__INIT;
  query.table = text("items", 5);
  query.filter = text(filter, strlen(filter));
  query.order_by = text(order, strlen(order));
  query.page_size = rows;
  query.top = rows;
  Datasync__V1__SessionRequest request = DATASYNC__V1__SESSION_REQUEST__INIT;
  request.request_id = id;
  request.request_case = DATASYNC__V1__SESSION_REQUEST__REQUEST_QUERY;
  request.query = &query;
  send_request(call, &request);
}

void session_subscribe(h2_call *call, uint64_t id, const char *list, const char *resume) {
  char filter[96];
  snprintf(filter, sizeof filter, "list_id eq '%s'", list);
  session_watch(call, id, filter, resume);
}

void session_watch(h2_call *call, uint64_t id, const char *filter, const char *resume) {
  session_watch_table(call, id, "items", filter, resume);
}

void session_watch_table(h2_call *call, uint64_t id, const char *table, const char *filter,
                         const char *resume) {
  Google__Protobuf__Empty now = GOOGLE__PROTOBUF__EMPTY__INIT;
  Datasync__V1__SubscribeRequest subscribe = DATASYNC__V1__SUBSCRIBE_REQUEST__INIT;
  subscribe.table = text(table, strlen(table));
  subscribe.filter = text(filter, strlen(filter));
  subscribe.start_case = DATASYNC__V1__SUBSCRIBE_REQUEST__START_NOW;
  subscribe.now = &now;
  Google__Protobuf__Duration heartbeat = GOOGLE__PROTOBUF__DURATION__INIT;
  heartbeat.seconds = the_plan.heartbeat;
  if (the_plan.heartbeat) subscribe.heartbeat_interval = &heartbeat;
  if (resume) {
    subscribe.start_case = DATASYNC__V1__SUBSCRIBE_REQUEST__START_RESUME_TOKEN;
    subscribe.resume_token = text(resume, strlen(resume));
  }
  Datasync__V1__SessionRequest request = DATASYNC__V1__SESSION_REQUEST__INIT;
  request.request_id = id;
  request.request_case = DATASYNC__V1__SESSION_REQUEST__REQUEST_SUBSCRIBE;
  request.subscribe = &subscribe;
  send_request(call, &request);
}

void session_key(char into[KEY_LENGTH + 1], uint64_t n) {
  snprintf(into, KEY_LENGTH + 1, "019a0000-0000-7000-8000-%012" PRIx64, n & 0xffffffffffff);
}
