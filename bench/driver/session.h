/* datasync.v1 sessions: requests packed by protobuf-c, answers read as far as the load needs. */
#pragma once
#include "h2.h"

#define SESSION_PATH "/datasync.v1.Datasync/Session"
#define ITEMS_TYPE "type.googleapis.com/tables.Items"
enum { KEY_LENGTH = 36 };

/* Fields of SessionResponse. */
enum { ANSWER_WRITE = 4, ANSWER_GET = 6, ANSWER_QUERY = 7, ANSWER_EVENT = 9, ANSWER_STATUS = 10 };

typedef struct {
  uint64_t request;
  unsigned kind;
  const uint8_t *body;
  size_t length;
} session_answer;

session_answer session_read(const uint8_t *bytes, size_t length);
/* Whether an event is a change, and not a checkpoint. */
bool session_is_change(const session_answer *);
/* Dies with the status' message, where the answer is one that is not OK. */
void session_refuse_status(const session_answer *);

/* The field of a message that has it once: a number's value, or bytes; zeros where it is absent. */
typedef struct {
  uint64_t number;
  const uint8_t *bytes;
  size_t length;
} session_field;

session_field session_find(const uint8_t *bytes, size_t length, unsigned number);

/* A row with the title; `key` may be NULL: the server makes one. */
void session_create(h2_call *, uint64_t request, const char *key, const char *list,
                    const char *title, size_t title_length);
/* The same, whether or not the row is there; it always has a key. */
void session_replace(h2_call *, uint64_t request, const char *key, const char *list,
                     const char *title, size_t title_length);
void session_get(h2_call *, uint64_t request, const char *key);
/* The first `rows` rows that match the filter; by key where the order is empty. */
void session_query(h2_call *, uint64_t request, const char *filter, const char *order,
                   unsigned rows);
/* Changes from now on of the rows of the list. `resume`: from a token, or NULL. */
void session_subscribe(h2_call *, uint64_t request, const char *list, const char *resume);
/* The same of the rows that match a filter; of all where it is empty. */
void session_watch(h2_call *, uint64_t request, const char *filter, const char *resume);
/* The same of another table. */
void session_watch_table(h2_call *, uint64_t request, const char *table, const char *filter,
                         const char *resume);

/* The key of the n-th row that `fill` makes: a UUID, ascending. */
void session_key(char into[KEY_LENGTH + 1], uint64_t n);
