/* SPDX-License-Identifier: MIT */
/* A crowd of threads that want a token which a server withholds until all have asked, or have gone again. */
#ifndef TESTS_SENDS_CROWD_H
#define TESTS_SENDS_CROWD_H

#include "sends.h"

enum { CROWD = 64 };

static const struct fault_answer held = { .type = JSON_TYPE,
                                          .flags = FAULT_HOLD,
                                          .body = "{\"access_token\":\"one\",\"token_type\":"
                                                  "\"Bearer\",\"expires_in\":600}" };

struct asker {
    struct host host; /* the crowd's context, a lane of its own */
    pthread_t thread;
    bool gives_up;
    bool is_right;
};

static inline void *ask_and_stay(void *arg)
{
    struct asker *asker = arg;
    struct paa_error error;
    struct sent sent;

    if (paa_lane_open(&asker->host.lane, asker->host.context, &error) != 0)
        return NULL;
    sent = sends(&asker->host);
    asker->is_right = strcmp(sent.authorization, "Bearer one") == 0;
    paa_lane_close(&asker->host.lane);
    return NULL;
}

static inline void *ask_and_go(void *arg)
{
    struct asker *asker = arg;
    struct paa_error error;
    struct paa_txn *txn;
    struct ask ask;

    if (paa_lane_open(&asker->host.lane, asker->host.context, &error) != 0)
        return NULL;
    sends_ask(&ask);
    asker->is_right =
        paa_txn_begin(&txn, asker->host.lane, asker->host.out, &ask.request) == PAA_TXN_PENDING;
    paa_txn_end(&txn);
    paa_lane_close(&asker->host.lane);
    return NULL;
}

static struct asker crowd[CROWD];

/* All of them ask; who gives up has gone when this returns. */
static inline void crowd_begin(struct host *host, bool half_give_up)
{
    memset(crowd, 0, sizeof crowd);
    for (int i = 0; i < CROWD; i++) {
        host_share(host, &crowd[i].host);
        crowd[i].gives_up = half_give_up && i % 2 == 0;
        if (pthread_create(&crowd[i].thread, NULL, crowd[i].gives_up ? ask_and_go : ask_and_stay,
                           &crowd[i]) != 0)
            abort();
    }
    for (int i = 0; i < CROWD; i++)
        if (crowd[i].gives_up)
            (void)pthread_join(crowd[i].thread, NULL);
}

/* How many were answered rightly. */
static inline int crowd_end(void)
{
    int right = 0;

    for (int i = 0; i < CROWD; i++) {
        if (!crowd[i].gives_up)
            (void)pthread_join(crowd[i].thread, NULL);
        right += crowd[i].is_right;
    }
    return right;
}

#endif
