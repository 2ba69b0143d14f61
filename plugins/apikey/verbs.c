/* SPDX-License-Identifier: MIT */
/* The verbs: their table, and what they have in common. */
#include "verbs.h"

#include "secret.h"
#include "units.h"

#include <inttypes.h>
#include <stdio.h>

enum { CHOICES_MAX = 8, CHANCE_SIZE = 128 };

/* ---- what verbs share ------------------------------------------------------------------------- */

enum paa_result verb_begin(struct paa_op *op)
{
    if (instance_of(op)->keys != NULL)
        return PAA_DONE;
    return paa_fail(op, PAA_FAULT, "usage",
                    "\"%.*s\" is used for outgoing requests only and has no keys of its own",
                    STR_ARGS(op->instance));
}

enum paa_result verb_store_failed(struct paa_op *op)
{
    return op->host->fail(op, PAA_UNAVAILABLE, "store", STR_NONE);
}

void verb_audit(struct paa_op *op, enum paa_level level, const char *what,
                const struct record *record)
{
    char line[64 + KEY_ID_SIZE + RECORD_CLIENT_MAX];
    int size = snprintf(line, sizeof line, "key %s: id=%.*s client=%.*s", what,
                        STR_ARGS(record->id), STR_ARGS(record->client));

    if (size > 0)
        op->host->log->line(op, level, paa_str_of(line));
}

void verb_audit_count(struct paa_op *op, const char *what, uint64_t count)
{
    char line[64];

    (void)snprintf(line, sizeof line, "keys %s: %" PRIu64, what, count);
    op->host->log->line(op, PAA_LEVEL_NOTICE, paa_str_of(line));
}

bool verb_choose(struct paa_op *op, char *ret_text, size_t count)
{
    unsigned char chance[CHANCE_SIZE];
    size_t chosen = 0;

    for (unsigned i = 0; i < CHOICES_MAX && chosen < count; i++) {
        if (op->host->random->fill(op, chance, sizeof chance) != PAA_STATUS_OK)
            break;
        chosen +=
            key_characters(paa_bytes_of(chance, sizeof chance), ret_text + chosen, count - chosen);
    }
    secret_wipe(chance, sizeof chance);
    return chosen == count;
}

enum paa_result verb_unknown_key(struct paa_op *op)
{
    return paa_fail(op, PAA_REJECT, "unknown-key",
                    "no key has this id; \"list\" shows those there are");
}

struct paa_str verb_time_text(int64_t time_s, char memory[TIME_TEXT_SIZE])
{
    if (time_s == 0)
        return STR("-");
    time_format(time_s, memory);
    return paa_str_of(memory);
}

/* ---- the table -------------------------------------------------------------------------------- */

#define CLIENT_HELP "whose key it is: the subject of the principal"
#define ID_ARGUMENT                                                                                \
    {                                                                                              \
        .name = "id", .type = PAA_OPTION_STRING, .flags = PAA_OPTION_REQUIRED,                     \
        .help = "the key's id: the middle part of its text, and in the list"                       \
    }

static const struct paa_option mint_arguments[] = {
    { .name = "client",
      .type = PAA_OPTION_STRING,
      .flags = PAA_OPTION_REQUIRED,
      .help = CLIENT_HELP },
    GRANT_ARGUMENTS,
    { .name = "force",
      .type = PAA_OPTION_BOOLEAN,
      .fallback = "false",
      .help = "even if the client has two live keys" },
};

static const struct paa_option import_arguments[] = {
    { .name = "client",
      .type = PAA_OPTION_STRING,
      .help = "whose keys they are, where the line does not say" },
    GRANT_ARGUMENTS,
};

static const struct paa_option list_arguments[] = {
    { .name = "client", .type = PAA_OPTION_STRING, .help = "only those of this client" },
};

static const struct paa_option id_argument[] = { ID_ARGUMENT };

static const struct paa_option retire_arguments[] = {
    ID_ARGUMENT,
    { .name = "grace",
      .type = PAA_OPTION_DURATION,
      .fallback = "7d",
      .help = "how long it goes on working" },
};

const struct paa_verb apikey_verbs[APIKEY_VERB_COUNT] = {
    { .name = "mint",
      .help = "make a key and show it, once",
      .arguments = mint_arguments,
      .argument_count = sizeof mint_arguments / sizeof mint_arguments[0],
      .state_size = sizeof(struct mint_state),
      .run = mint_run },
    { .name = "list",
      .help = "show the keys, one a line",
      .arguments = list_arguments,
      .argument_count = sizeof list_arguments / sizeof list_arguments[0],
      .state_size = sizeof(struct walk),
      .run = list_run },
    { .name = "show",
      .help = "show all that is kept of a key; its text is not",
      .arguments = id_argument,
      .argument_count = 1,
      .state_size = sizeof(struct find),
      .run = show_run },
    { .name = "retire",
      .help = "let a key go on for a while, then no more",
      .arguments = retire_arguments,
      .argument_count = sizeof retire_arguments / sizeof retire_arguments[0],
      .state_size = sizeof(struct change),
      .run = retire_run },
    { .name = "revoke",
      .help = "end a key; it counts at the next request, in every process",
      .arguments = id_argument,
      .argument_count = 1,
      .state_size = sizeof(struct change),
      .run = revoke_run },
    { .name = "import",
      .help = "read existing keys, one a line: KEY [TAB client [TAB scopes [TAB label]]]",
      .arguments = import_arguments,
      .argument_count = sizeof import_arguments / sizeof import_arguments[0],
      .state_size = sizeof(struct import_state),
      .run = import_run },
};
