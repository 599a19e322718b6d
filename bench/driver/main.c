/* The load driver: one thread, one measurement a run, one line of JSON.
   usage: driver MODE --port PORT [--NAME VALUE]... */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "modes.h"

static const struct {
  const char *name;
  void (*run)(void);
  const char *is;
} modes[] = {
    {"unary", run_unary, "one message a call, back as it is"},
    {"stream", run_stream, "messages on calls that stay, each back as it is"},
    {"create", run_session, "creates over sessions"},
    {"get", run_session, "gets by key over sessions"},
    {"query", run_session, "queries of --page rows over sessions"},
    {"fill", run_session, "--operations rows, as fast as they go"},
    {"fanout", run_fanout, "one publisher, --subscribers subscribers"},
    {"latency", run_latency, "one write at a time, to its event at another client"},
    {"idle", run_idle, "sessions that hold a subscription, and --in-flight more: memory"},
    {"replay", run_replay, "--rows changes from the log"},
    {"put", run_put, "etcd's puts"},
    {"match", run_match, "one change at a time, seen by one of --subscribers subscriptions"},
    {"sleeper", run_sleeper, "many subscriptions, of which one connection's are not read for a while"},
    {"adopt", run_adopt, "--rows rows of another program's transaction, to the checkpoint after them"},
    {"spread", run_spread, "gets, one at a time, by each session in turn"},
};

static void usage(void) {
  fprintf(stderr,
          "usage: driver MODE --port PORT [--target datasync|hub|etcd|redis|nats] [--host ADDRESS]\n"
          "  [--server-pid PID] [--path PATH] [--connections N] [--streams N] [--in-flight N]\n"
          "  [--size BYTES] [--subscribers N] [--window N] [--rows N] [--page N] [--lists N]\n"
          "  [--warmup-ms N] [--ms N] [--operations N] [--mark N] [--mark-every N]\n"
          "  [--heartbeat SECONDS]\nmodes:\n");
  for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
    fprintf(stderr, "  %-8s %s\n", modes[i].name, modes[i].is);
  exit(2);
}

static void parse(const char *name, const char *value) {
  plan *p = &the_plan;
  if (!strcmp(name, "--target")) p->target = value;
  else if (!strcmp(name, "--host")) p->host = value;
  else if (!strcmp(name, "--path")) p->path = value;
  else if (!strcmp(name, "--port")) p->port = (int)parse_number(name, value, 1, 65535);
  else if (!strcmp(name, "--server-pid")) p->server_pid = (int)parse_number(name, value, 1, 1 << 30);
  else if (!strcmp(name, "--connections")) p->connections = (int)parse_number(name, value, 1, 20000);
  else if (!strcmp(name, "--streams")) p->streams = (int)parse_number(name, value, 1, 20000);
  else if (!strcmp(name, "--in-flight")) p->in_flight = (int)parse_number(name, value, 1, 1024);
  else if (!strcmp(name, "--size")) p->size = (int)parse_number(name, value, 0, 1 << 20);
  else if (!strcmp(name, "--subscribers"))
    p->subscribers = (int)parse_number(name, value, 1, 1000000);
  else if (!strcmp(name, "--window")) p->window = (int)parse_number(name, value, 1, 100000);
  else if (!strcmp(name, "--rows")) p->rows = parse_number(name, value, 1, 100000000);
  else if (!strcmp(name, "--page")) p->page = parse_number(name, value, 1, 100000);
  else if (!strcmp(name, "--lists")) p->lists = parse_number(name, value, 1, 1000000);
  else if (!strcmp(name, "--operations")) p->operations = parse_number(name, value, 0, 1L << 40);
  else if (!strcmp(name, "--mark")) p->mark = parse_number(name, value, 0, 1L << 40);
  else if (!strcmp(name, "--mark-every")) p->mark_every = parse_number(name, value, 1, 1L << 40);
  else if (!strcmp(name, "--heartbeat")) p->heartbeat = parse_number(name, value, 0, 300);
  else if (!strcmp(name, "--warmup-ms"))
    p->warmup = (double)parse_number(name, value, 0, 600000) / 1000;
  else if (!strcmp(name, "--ms")) p->seconds = (double)parse_number(name, value, 1, 600000) / 1000;
  else usage();
}

int main(int count, char **arguments) {
  if (count < 2 || count % 2) usage();
  signal(SIGPIPE, SIG_IGN);
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  for (int i = 2; i < count; i += 2) parse(arguments[i], arguments[i + 1]);
  if (!the_plan.port) usage();
  the_plan.mode = arguments[1];
  for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
    if (!strcmp(modes[i].name, the_plan.mode)) {
      modes[i].run();
      return 0;
    }
  usage();
}
