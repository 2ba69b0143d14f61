/* SPDX-License-Identifier: MIT */
/*
 * What the files that read a policy share while they do. Knows no libconfig.
 */
#ifndef CONFIG_READER_H
#define CONFIG_READER_H

#include "expect.h"
#include "names.h"
#include "policy.h"

enum raw_kind { RAW_STEP = 1, RAW_INCLUDE, RAW_SUBSTACK };

struct raw_step { /* a step as written: read once, expanded wherever its chain is named */
    enum raw_kind kind;
    uint16_t action[RESULT_COUNT];
    bool may_ignore;
    bool told_far;     /* a jump beyond the end was reported */
    bool told_leaving; /* a jump out of an include was reported */
    uint16_t instance_count;
    const int32_t *instances; /* SITE_… too */
    int32_t chain;            /* INCLUDE, SUBSTACK */
    const char *control;
    struct where where;
};

struct chain_conf {
    const char *name; /* NULL: stands in a rule */
    struct where where;
    const struct node *node;
    struct raw_step *steps;
    size_t step_count;
    bool is_broken;   /* an error was told: say nothing more of it */
    bool is_used;     /* some rule comes to it */
    bool is_compiled; /* program is set */
    struct program program;
};

struct reader {
    struct expect expect;
    struct policy *policy;
    struct names instance_names;
    struct names store_names;
    struct names key_names;
    struct names service_names;
    struct names chain_names;
    struct store_conf *stores;
    struct service_conf *services;
    struct chain_conf *chains;
    bool *instance_used;
    struct where audit; /* file NULL: not seen yet */
};

/* [a-z0-9_-], at most NAME_MAX_SIZE. kind: "an instance". False: one error. */
bool reader_name(struct reader *reader, const struct node *node, const char *kind);
/* Enters the name of node; -1 and an error that names both places if it is there already. */
int32_t reader_enter(struct reader *reader, struct names *names, const struct node *node,
                     const char *kind, struct where (*where_of)(struct reader *, int32_t));

/* policy_instance.c */
void read_instances(struct reader *reader, const struct node *group);
void read_audit(struct reader *reader, const struct node *group, const char *folder);

/* policy_store.c */
void read_stores(struct reader *reader, const struct node *group, const char *folder);
void check_stores(struct reader *reader);

/* policy_key.c */
void read_keys(struct reader *reader, const struct node *group, const char *folder);

/* policy_step.c: one step of a chain. False: errors were told. */
bool read_step(struct reader *reader, const struct node *node, struct raw_step *ret_step);
/* The index of the instance, or SITE_…; -3 and an error for anything else. */
enum { NO_INSTANCE = -3 };
int32_t find_instance(struct reader *reader, struct paa_str name, struct where where);

/* policy_chain.c: `chains`, in two rounds: names first, steps when all instances are known. */
void enter_chains(struct reader *reader, const struct node *group);
void read_chains(struct reader *reader);
/* The chain of a rule: ( STEP … ) or "name". False: errors were told. */
bool read_program(struct reader *reader, const struct node *node, struct program *ret_program);

/* program.c: expands chain into *ret_program, with jumps checked if `strict`. False: errors were told. */
bool expand_chain(struct reader *reader, struct chain_conf *chain, bool strict,
                  struct program *ret_program);

/* policy_require.c */
const struct require_conf *read_require(struct reader *reader, const struct node *group,
                                        const struct program *program);
/* An error for each string that is not one word of a space-separated list (RFC 6749 3.3). */
void check_words(struct reader *reader, const struct node *node, const struct paa_str *strings,
                 size_t count);
/* Is the name an instance of this program? NO_INSTANCE and an error if not. */
int32_t find_site(struct reader *reader, const struct program *program, struct paa_str name,
                  struct where where);

/* policy_rule.c: group is a rule of its own, or a service that is its only rule. */
void read_rule(struct reader *reader, const struct node *group, enum paa_direction direction,
               struct rule_conf *rule);
extern const char *const rule_members[];
extern const size_t rule_member_count;

/* policy_service.c */
void read_services(struct reader *reader, const struct node *group, const char *folder);
/* An error for each of these members that stands in group. */
void refuse_members(struct reader *reader, const struct node *group, const char *const *names,
                    size_t count, const char *why);

#endif
