/* SPDX-License-Identifier: MIT */
/*
 * Chains as the tests write them, and the program that the core walks for them. Results stand beside the
 * steps, since no plugin runs. Knows nothing of libpam (pam_run.h has that) and checks nothing.
 */
#ifndef TESTS_CHAIN_STACK_H
#define TESTS_CHAIN_STACK_H

#include "chain.h"

enum { ACCEPT, ABSENT, REJECT, UNAVAILABLE, IGNORE, FAULT, DENIED, FORBIDDEN }; /* as in chain.h */
enum { REQUIRED, REQUISITE, SUFFICIENT, OPTIONAL, WORD_COUNT, WORD_NONE = -1 };

enum {
    STACK_LINES_MAX = 8,
    STACK_MEMBERS_MAX = 4,
    TREE_STACKS_MAX = 12,
    TREE_DEPTH_MAX = 4 /* of include and substack in one another */
};

enum line_kind { LINE_STEP = 1, LINE_INCLUDE, LINE_SUBSTACK };

struct line {
    enum line_kind kind;
    int word; /* in control_words; WORD_NONE: written in brackets, with the actions below */
    uint16_t action[RESULT_COUNT];
    uint8_t result[STACK_MEMBERS_MAX];
    int member_count; /* a group if more than one */
    int child;        /* the stack that an include or substack names */
};

struct stack {
    struct line line[STACK_LINES_MAX];
    int count;
};

struct tree { /* stack[0] is the chain itself */
    struct stack stack[TREE_STACKS_MAX];
    int count;
};

struct built {
    struct step step[PROGRAM_STEPS_MAX];
    struct site site[PROGRAM_SITES_MAX];
    uint8_t result[PROGRAM_SITES_MAX];
    struct program program;
};

void tree_begin(struct tree *tree); /* with one stack, which is empty */
/* What they return may be changed until the next is added. */
struct line *tree_add(struct tree *tree, int stack, int word, int result);
struct line *tree_add_group(struct tree *tree, int stack, int word, int count, const int *results);
/* An include or a substack of a new empty stack, whose number is returned. */
int tree_add_child(struct tree *tree, int stack, enum line_kind kind);
/* From now on in brackets, the actions as the word has them. */
void line_unname(struct line *line);

/* Points into *ret_built, which must not move. */
void tree_build(const struct tree *tree, struct built *ret_built);

/* Asks step by step and member by member, as the engine does; returns the status. ret_results: by site,
 * CHAIN_NOT_RUN where it was not asked. */
int built_walk(const struct built *built, struct chain *ret_chain, uint8_t *ret_results);

/* The same chance on every run: splitmix64. */
struct chance {
    uint64_t state;
};
uint32_t chance_below(struct chance *chance, uint32_t limit);

/* One to six lines, with what they name: words, brackets, jumps, and stacks four deep. `depth` is that of this
 * stack, members_max how large a group may be. Includes come only without groups, as pam_run.c needs it. */
void tree_add_any(struct tree *tree, struct chance *chance, int stack, int depth, int members_max);

#endif
