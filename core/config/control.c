/* SPDX-License-Identifier: MIT */
/* The table of control words. In order: ACCEPT ABSENT REJECT UNAVAILABLE IGNORE FAULT. */
#include "control.h"

#define BAD3    ACTION_BAD, ACTION_BAD, ACTION_BAD
#define DIE3    ACTION_DIE, ACTION_DIE, ACTION_DIE
#define IGNORE5 ACTION_IGNORE, ACTION_IGNORE, ACTION_IGNORE, ACTION_IGNORE, ACTION_IGNORE

const struct control_word control_words[4] = {
    { "required",
      "[success=ok ignore=ignore default=bad]",
      { ACTION_OK, BAD3, ACTION_IGNORE, ACTION_BAD },
      "must accept; the steps after it are asked all the same" },
    { "requisite",
      "[success=ok ignore=ignore default=die]",
      { ACTION_OK, DIE3, ACTION_IGNORE, ACTION_DIE },
      "must accept; if it does not, the chain ends at once" },
    { "sufficient",
      "[success=done default=ignore]",
      { ACTION_DONE, IGNORE5 },
      "accepting ends the chain, if nothing failed before; anything else is passed over" },
    { "optional",
      "[success=ok default=ignore]",
      { ACTION_OK, IGNORE5 },
      "counts only if it accepts; anything else is passed over" },
};

const char *const result_words[RESULT_COUNT] = { "accept",      "absent", "reject",
                                                 "unavailable", "ignore", "fault" };

const struct action_word action_words[6] = {
    { "ok", ACTION_OK },   { "done", ACTION_DONE },     { "bad", ACTION_BAD },
    { "die", ACTION_DIE }, { "ignore", ACTION_IGNORE }, { "reset", ACTION_RESET },
};
