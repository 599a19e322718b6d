/* The driver's modes; each runs its measurement and reports it. */
#pragma once
#include "h2.h"
#include "measure.h"

void run_unary(void);
void run_stream(void);
void run_session(void);
void run_fanout(void);
void run_latency(void);
void run_idle(void);
void run_replay(void);
void run_put(void);
void run_match(void);
void run_spread(void);
void run_sleeper(void);
void run_adopt(void);
