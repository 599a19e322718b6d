#include "net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_BYTES = 256 << 10, EVENTS = 512 };

static int poller = -1;
static conn *dirty;
static uint8_t *scratch;
static size_t scratch_size;
static int listener = -1;
static void (*on_accept)(int fd);

static void need_poller(void) {
  if (poller >= 0) return;
  poller = epoll_create1(EPOLL_CLOEXEC);
  if (poller < 0) die("epoll: %s", strerror(errno));
  scratch_size = READ_BYTES;
  scratch = allocate(scratch_size);
}

static void set_no_delay(int fd) {
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

int net_connect(const char *host, int port) {
  need_poller();
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  if (inet_pton(AF_INET, host, &address.sin_addr) != 1) die("'%s' is no IPv4 address", host);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) die("socket: %s", strerror(errno));
  if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
    die("cannot connect to %s:%d: %s", host, port, strerror(errno));
  return fd;
}

static void watch(conn *c, int operation) {
  uint32_t reads = c->is_asleep ? 0 : EPOLLIN, writes = c->waits_to_write ? EPOLLOUT : 0;
  struct epoll_event event = {.events = reads | writes, .data.ptr = c};
  if (epoll_ctl(poller, operation, c->fd, &event) < 0) die("epoll_ctl: %s", strerror(errno));
}

void conn_attach(conn *c, int fd) {
  need_poller();
  c->fd = fd;
  set_no_delay(fd);
  c->out_sent = 0;
  watch(c, EPOLL_CTL_ADD);
}

void conn_mark(conn *c) {
  if (c->is_dirty || c->is_dead) return;
  c->is_dirty = true;
  c->next_dirty = dirty;
  dirty = c;
}

void conn_close(conn *c) {
  if (c->is_dead) return;
  c->is_dead = true;
  epoll_ctl(poller, EPOLL_CTL_DEL, c->fd, NULL);
  close(c->fd);
  for (conn **link = &dirty; *link; link = &(*link)->next_dirty)
    if (*link == c) {
      *link = c->next_dirty;
      break;
    }
  buffer_free(&c->rest);
  buffer_free(&c->out);
  if (c->closed) c->closed(c);
}

void conn_sleep(conn *c, bool sleeps) {
  c->is_asleep = sleeps;
  if (!c->is_dead) watch(c, EPOLL_CTL_MOD);
}

size_t conn_unread(const conn *c) {
  int count = 0;
  if (ioctl(c->fd, FIONREAD, &count) < 0) die("FIONREAD: %s", strerror(errno));
  return (size_t)count;
}

int net_listen(int port, void (*accepted)(int fd)) {
  need_poller();
  listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  if (listener < 0 || bind(listener, (struct sockaddr *)&address, size) < 0 ||
      listen(listener, 1024) < 0 || getsockname(listener, (struct sockaddr *)&address, &size) < 0)
    die("cannot listen on port %d: %s", port, strerror(errno));
  on_accept = accepted;
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
  epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
  return ntohs(address.sin_port);
}

static void accept_all(void) {
  for (int i = 0; i < 256; i++) {
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0) return;
    on_accept(fd);
  }
}

/* One recv a readiness, as large as can be. */
static void read_some(conn *c) {
  size_t kept = c->rest.length;
  if (kept + READ_BYTES > scratch_size) {
    scratch_size = (kept + READ_BYTES) * 2;
    free(scratch);
    scratch = allocate(scratch_size);
  }
  memcpy(scratch, c->rest.bytes, kept);
  ssize_t got = recv(c->fd, scratch + kept, READ_BYTES, MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) {
    conn_close(c);
    return;
  }
  size_t length = kept + (size_t)got;
  size_t used = c->input(c, scratch, length);
  if (c->is_dead) return;
  c->rest.length = 0;
  buffer_append(&c->rest, scratch + used, length - used);
  if (c->turn_ends) conn_mark(c);
}

static void wait_to_write(conn *c, bool waits) {
  c->waits_to_write = waits;
  watch(c, EPOLL_CTL_MOD);
}

static void send_out(conn *c) {
  while (c->out_sent < c->out.length) {
    ssize_t sent = send(c->fd, c->out.bytes + c->out_sent, c->out.length - c->out_sent,
                        MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EAGAIN) {
      if (!c->waits_to_write) wait_to_write(c, true);
      return;
    }
    if (sent < 0) {
      conn_close(c);
      return;
    }
    c->out_sent += (size_t)sent;
  }
  c->out.length = c->out_sent = 0;
  if (c->waits_to_write) wait_to_write(c, false);
}

void net_flush(void) {
  while (dirty) {
    conn *c = dirty;
    dirty = c->next_dirty;
    c->is_dirty = false;
    if (c->turn_ends) c->turn_ends(c);
    if (!c->is_dead && !c->waits_to_write) send_out(c);
  }
}

static void (*before_send)(void);

void net_before_send(void (*call)(void)) { before_send = call; }

void net_turn(int timeout_ms) {
  static struct epoll_event events[EVENTS];
  need_poller();
  int count = epoll_wait(poller, events, EVENTS, timeout_ms);
  if (count < 0 && errno != EINTR) die("epoll_wait: %s", strerror(errno));
  for (int i = 0; i < count; i++) {
    conn *c = events[i].data.ptr;
    if (!c) {
      accept_all();
      continue;
    }
    if (c->is_dead) continue;
    if (events[i].events & EPOLLOUT) {
      send_out(c);
      if (!c->is_dead && c->turn_ends) conn_mark(c);
    }
    if (!c->is_dead && (events[i].events & ~(uint32_t)EPOLLOUT)) read_some(c);
  }
  if (before_send) before_send();
  net_flush();
}
