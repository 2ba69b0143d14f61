/* SPDX-License-Identifier: MIT */
/*
 * The walk over a chain: a pure function of the results so far. Linux-PAM's semantics, whole return code; a
 * test compares it with libpam. Knows no plugin and no request.
 */
#ifndef ENGINE_CHAIN_H
#define ENGINE_CHAIN_H

#include "program.h"

/* A status is a result index (0 .. 5), or: */
enum {
    CHAIN_DENIED = RESULT_COUNT, /* nothing decided. As PAM_PERM_DENIED */
    CHAIN_FORBIDDEN =
        RESULT_COUNT + 1 /* only as an input: a result that the slot may not return. `bad`
                                        * whatever the control word says, with the status FAULT */
};

enum impression { CHAIN_UNDECIDED = 0, CHAIN_POSITIVE, CHAIN_NEGATIVE };

struct chain_mark {
    uint8_t impression;
    uint8_t status;
    uint16_t step; /* where the substack begins */
};

struct chain {
    uint8_t impression;
    uint8_t status;
    uint8_t level;
    uint32_t step;                           /* to be run next */
    uint64_t grants[PROGRAM_STEPS_MAX / 64]; /* steps whose ACCEPT carries the verdict */
    struct chain_mark marks[PROGRAM_LEVELS_MAX + 1];
};

void chain_begin(struct chain *chain);
/* The step to run now, or -1 at the end. Opens substacks on the way. */
int chain_step(struct chain *chain, const struct program *program);
/* That step said `result` (an index, or CHAIN_FORBIDDEN). */
void chain_say(struct chain *chain, const struct program *program, int result);
/* At the end: a status; 0 (ACCEPT) is the only yes. */
int chain_status(const struct chain *chain);

static inline bool chain_granted(const struct chain *chain, uint32_t step)
{
    return (chain->grants[step / 64] >> (step % 64) & 1) != 0;
}

/* The whole walk over recorded results: results[site], CHAIN_NOT_RUN where a site did not run. For a group the
 * first member that is neither ABSENT nor IGNORE, else ABSENT. */
enum { CHAIN_NOT_RUN = 255 };
int chain_replay(const struct program *program, const uint8_t *results);

/* The result of a group's members so far; -1: the next member is to be asked. */
int group_result(int result, bool is_last);

#endif
