/* Sockets that do not block, on one epoll, in one thread: what is written while events are handled
   leaves in one send a connection when all of them have been. */
#pragma once
#include "util.h"

typedef struct conn conn;

struct conn {
  int fd;
  /* Bytes have come. Returns how many were used; the rest comes again with what follows. */
  size_t (*input)(conn *, const uint8_t *bytes, size_t length);
  /* All events of this turn were handled: the last chance to write before the send. May be NULL. */
  void (*turn_ends)(conn *);
  /* The other side is gone. The owner may free the connection. */
  void (*closed)(conn *);
  buffer rest, out;
  size_t out_sent;
  bool is_dirty, waits_to_write, is_dead, is_asleep;
  conn *next_dirty;
};

/* One epoll of the process; made by the first use. */
int net_connect(const char *host, int port);
void conn_attach(conn *c, int fd);
/* To be called after anything was appended to `out` or `turn_ends` wanted. */
void conn_mark(conn *c);
void conn_close(conn *c);
/* Asleep: nothing is read, so that what comes stays in the socket. */
void conn_sleep(conn *c, bool sleeps);
/* Bytes that have come to the socket and were not read. */
size_t conn_unread(const conn *c);

/* Listens on a loopback port (0: a free one, returned); each connection goes to `accepted`. */
int net_listen(int port, void (*accepted)(int fd));

/* Called in each turn once its events were handled, before anything is sent. */
void net_before_send(void (*call)(void));

/* Handles events for at most `timeout_ms`, then sends. */
void net_turn(int timeout_ms);
/* Sends what has been written outside of events. */
void net_flush(void);
