/* SPDX-License-Identifier: MIT */
/*
 * What the files of this plugin share: the instance, and the memory of lanes and operations. Every effect goes through
 * op->host. Each begins with what bearer.h wants there.
 */
#ifndef OAUTH2_CC_OAUTH2_CC_H
#define OAUTH2_CC_OAUTH2_CC_H

#include "bearer.h"
#include "token.h"

struct instance {
    struct bearer bearer;      /* incoming */
    struct token_client sends; /* outgoing; all zero if it is not used so */
};

struct lane {
    struct bearer_lane bearer;
};

union state {
    struct bearer_state bearer; /* verify, challenge */
};

static inline const struct instance *instance_of(struct paa_op *op)
{
    return (const struct instance *)op->self;
}

#endif
