/* What the fan-out is measured against, each behind the same few calls. */
#pragma once
#include "modes.h"

typedef struct {
  /* Opens `count` subscriptions on `connections` connections and a publisher on its own. */
  void (*open)(int connections, int count);
  /* Sends one message of the_plan.size bytes. */
  void (*publish)(const char *bytes, size_t length);
} broker;

/* By name, or NULL. */
const broker *broker_named(const char *name);

/* A message has come to subscription `index`; its payload is somewhere in the bytes. */
void broker_delivered(int index, const uint8_t *bytes, size_t length);
/* A published message was taken in (where the broker says so). */
void broker_accepted(void);

extern const broker datasync_broker, hub_broker, etcd_broker, redis_broker, nats_broker;
