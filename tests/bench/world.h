/* SPDX-License-Identifier: MIT */
/*
 * What the cases run in: a private folder that is removed afterwards, contexts over policies written there,
 * and a lane for each thread. Sees the library as any host does.
 */
#ifndef BENCH_WORLD_H
#define BENCH_WORLD_H

#include "measure.h"

#include <paa/paa.h>

enum { WORLD_PATH = 256, WORLD_FIELDS_MAX = 12 };

/* "DIR/name" of the private folder, which is made on first use. */
void world_path(char ret_path[WORLD_PATH], const char *name);
/* Writes it, mode 0600. */
void world_write(const char *path, const char *text);
void world_remove(void);

struct host {
    struct paa_context *context;
    struct paa_service *service;
    struct paa_lane *lanes[BENCH_THREADS];
};

/* Over the policy in that file; the service is called "api". */
void host_open(struct host *host, const char *policy, enum paa_direction direction);
/* Over this text. */
void host_open_text(struct host *host, const char *text, enum paa_direction direction);
void host_close(struct host *host);

struct work { /* a thread's state of a case: one request again and again */
    struct paa_lane *lane;
    struct paa_service *service;
    struct paa_request request;
    struct paa_field fields[WORLD_FIELDS_MAX];
    enum paa_state expected;
};

/* A GET with that many header fields, STABLE; expects ALLOW. */
void work_init(struct work *work, const struct host *host, unsigned thread, size_t fields);
/* The case: count transactions. Ends the program if one comes out otherwise than expected. */
void work_run(void *state, uint64_t count);

/* Resident bytes of this process. */
uint64_t world_resident(void);

#endif
