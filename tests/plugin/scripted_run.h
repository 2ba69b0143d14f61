/* SPDX-License-Identifier: MIT */
/* Inside the scripted test plugin: what scripted.c (slots) and scripted_words.c (words) share. */
#ifndef TESTS_SCRIPTED_RUN_H
#define TESTS_SCRIPTED_RUN_H

#include "scripted.h"
#include "str.h"

#include <paa/plugin.h>
#include <stdbool.h>

enum script_slot {
    SCRIPT_CREATE,
    SCRIPT_LANE_INIT,
    SCRIPT_VERIFY,
    SCRIPT_ATTACH,
    SCRIPT_CHALLENGE,
    SCRIPT_ANSWERED,
    SCRIPT_SERVE,
    SCRIPT_DESCRIBE,
    SCRIPT_PRODUCE,
    SCRIPT_DECODE,
    SCRIPT_FINISH,
    SCRIPT_COUNT,
    SCRIPT_VERB = SCRIPT_COUNT
};

struct scripted {
    unsigned alive; /* SCRIPTED_ALIVE until destroy */
    struct paa_str scripts[SCRIPT_COUNT];
    struct paa_memo *memo;   /* NULL: none */
    struct paa_table *table; /* NULL: none */
};

enum { SCRIPTED_ALIVE = 0x5c217ed, SCRIPTED_DEAD = 0xdead };

struct lane {
    const void *self;
    atomic_flag busy;
};

struct run { /* op->state */
    struct paa_str rest;
    struct paa_str word;
    uint64_t left;          /* how often the word is still to be done */
    bool is_open;           /* begun, and not finished */
    enum paa_status status; /* of the last wait */
    uint64_t rounds;        /* for work */
    int64_t usable_s;
    struct paa_principal who;
    const struct paa_denial *why; /* challenge, until it returns or waits */
    struct paa_str uri;           /* of the listener */
    struct paa_str option;        /* serve: the endpoint's */
    size_t index;
    enum script_slot slot;
};

/* A word: true if it ends the script, for now or for good, with *ret_result. */
typedef bool (*script_word_fn)(struct paa_op *op, struct run *run, struct paa_str arg,
                               enum paa_result *ret_result);
struct script_word { /* the last has no name */
    const char *name;
    script_word_fn fn;
};
extern const struct script_word script_waits[];
extern const struct script_word script_effects[];
extern const struct script_word script_keys[];

#define WORD(name)                                                                                 \
    static bool word_##name(struct paa_op *op, struct run *run, struct paa_str arg,                \
                            enum paa_result *ret_result)
#define UNUSED(x) (void)(x)

/* Decimal; 0 if it is none. */
uint64_t number_of(struct paa_str text);
/* "N=V"; without "=" the value is empty. */
struct paa_field pair_of(struct paa_str arg);
struct paa_bytes bytes_of(struct paa_str s);
struct paa_memo_product product_of(struct paa_op *op, const struct run *run, struct paa_str value);
/* A copy that ends with NUL and lives until the operation ends. */
const char *text_of(struct paa_op *op, struct paa_str s);

/* Does the words of run->rest; the slot's result. */
enum paa_result run_words(struct paa_op *op, struct run *run);
/* Between entering and leaving plugin code on a lane: no other call may be there. */
enum paa_result run_guarded(struct paa_op *op, struct run *run);
void busy_rounds(uint64_t thousands);

#endif
