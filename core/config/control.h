/* SPDX-License-Identifier: MIT */
/*
 * The control words and what they do with each result: one table, from which the README's table and the tests
 * are made. The meaning is Linux-PAM's, exactly.
 */
#ifndef CONFIG_CONTROL_H
#define CONFIG_CONTROL_H

#include <paa/types.h>

enum { RESULT_COUNT = 6 }; /* ACCEPT ABSENT REJECT UNAVAILABLE IGNORE FAULT, in enum order */

/* positive numbers below ACTION_OK: jump over so many steps */
enum action {
    ACTION_JUMP_MAX = 0x3fff,
    ACTION_OK = 0x4000,
    ACTION_DONE,
    ACTION_BAD,
    ACTION_DIE,
    ACTION_IGNORE,
    ACTION_RESET
};

struct control_word {
    const char *word; /* "required" */
    const char *pam;  /* the same as PAM's bracket form */
    uint16_t action[RESULT_COUNT];
    const char *meaning; /* one line for the README */
};
extern const struct control_word control_words[4]; /* required requisite sufficient optional */

/* "accept" … "fault"; index as in enum paa_result from PAA_ACCEPT. */
extern const char *const result_words[RESULT_COUNT];
/* "ok" "done" "bad" "die" "ignore" "reset". */
extern const struct action_word {
    const char *word;
    uint16_t action;
} action_words[6];

/* 0 .. 5, or -1: not one that judges. */
static inline int result_index(enum paa_result result)
{
    unsigned index = (unsigned)result - (unsigned)PAA_ACCEPT;

    return index < RESULT_COUNT ? (int)index : -1;
}

#endif
