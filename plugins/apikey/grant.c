/* SPDX-License-Identifier: MIT */
/* The arguments of mint and import, checked and read into a record (grant.h). */
#include "grant.h"

#include "str.h"
#include "units.h"

static enum paa_result refuse(struct paa_op *op, const char *argument, struct paa_str value,
                              const char *sentence)
{
    return paa_fail(op, PAA_FAULT, "usage", "%s=%.*s: %s", argument, STR_ARGS(value), sentence);
}

/* ---- times ------------------------------------------------------------------------------------ */

static enum paa_result read_time(struct paa_op *op, const struct paa_options *arguments,
                                 const char *name, int64_t now_s, int64_t *ret_time_s)
{
    struct paa_str text = op->host->options->string(arguments, name, 0);
    int64_t number;

    *ret_time_s = 0;
    if (text.data == NULL)
        return PAA_DONE;
    if (duration_parse(text, &number))
        *ret_time_s = time_add(now_s, number / 1000);
    else if (time_parse(text, &number) && number > 0)
        *ret_time_s = number;
    else
        return refuse(op, name, text,
                      "neither a time (2026-12-01T00:00:00Z) nor a duration from now (90d)");
    return PAA_DONE;
}

static enum paa_result read_times(struct paa_op *op, const struct paa_options *arguments,
                                  struct record *record)
{
    int64_t now_s = op->host->clock->now_s(op);
    enum paa_result result = read_time(op, arguments, "not_before", now_s, &record->not_before_s);

    record->created_s = now_s;
    if (result == PAA_DONE)
        result = read_time(op, arguments, "expires", now_s, &record->expires_s);
    if (result != PAA_DONE || record->expires_s == 0)
        return result;
    if (record->expires_s <= now_s)
        return paa_fail(op, PAA_FAULT, "usage", "expires lies in the past");
    if (record->expires_s <= record->not_before_s)
        return paa_fail(op, PAA_FAULT, "usage", "expires does not lie after not_before");
    return PAA_DONE;
}

/* ---- lists ------------------------------------------------------------------------------------ */

/* The list's words, each valid, with a blank between; "" if there are none. */
static enum paa_result read_words(struct paa_op *op, const struct paa_options *arguments,
                                  const char *name, bool (*valid)(struct paa_str word), size_t max,
                                  struct paa_str *ret_words)
{
    size_t count = op->host->options->count(arguments, name);
    char *words = (char *)op->host->alloc(op, max + 1);
    size_t size = 0;

    if (words == NULL)
        return paa_fail(op, PAA_UNAVAILABLE, "memory", "there is no memory left");
    for (size_t i = 0; i < count; i++) {
        struct paa_str word = op->host->options->string(arguments, name, i);

        if (!valid(word))
            return refuse(op, name, word, "not a word that may stand there");
        if (word.size + 1 > max - size)
            return paa_fail(op, PAA_FAULT, "usage", "the values of %s have more than %zu bytes",
                            name, max);
        if (i > 0)
            words[size++] = ' ';
        memcpy(words + size, word.data, word.size);
        size += word.size;
    }
    *ret_words = paa_str_of_n(words, size);
    return PAA_DONE;
}

static enum paa_result read_networks(struct paa_op *op, const struct paa_options *arguments,
                                     struct grant *grant)
{
    size_t count = op->host->options->count(arguments, "network");

    if (count > RECORD_NETWORKS_MAX)
        return paa_fail(op, PAA_FAULT, "usage", "a key has at most %d networks",
                        RECORD_NETWORKS_MAX);
    for (size_t i = 0; i < count; i++) {
        struct paa_str text = op->host->options->string(arguments, "network", i);
        struct network network;
        const char *wrong = network_parse(text, &network);

        if (wrong != NULL)
            return refuse(op, "network", text, wrong);
        record_network_write(&network, grant->networks + i * RECORD_NETWORK_SIZE);
    }
    grant->record.networks = grant->networks;
    grant->record.network_count = count;
    return PAA_DONE;
}

bool grant_scope_valid(struct paa_str scope)
{
    struct paa_str word;

    if (scope.size > RECORD_SCOPE_MAX)
        return false;
    while (str_next(&scope, " ", &word))
        if (!record_scope_valid(word))
            return false;
    return true;
}

/* ---- all of it -------------------------------------------------------------------------------- */

static enum paa_result read_texts(struct paa_op *op, const struct paa_options *arguments,
                                  struct record *record)
{
    record->client = op->host->options->string(arguments, "client", 0);
    record->label = op->host->options->string(arguments, "label", 0);
    if (record->client.data != NULL &&
        (record->client.size == 0 || !record_text_valid(record->client, RECORD_CLIENT_MAX)))
        return refuse(op, "client", record->client,
                      "a client has 1 to 128 bytes of text, without controls or outer blanks");
    if (record->label.size > 0 && !record_text_valid(record->label, RECORD_LABEL_MAX))
        return refuse(op, "label", record->label,
                      "a label has at most 200 bytes of text, without controls or outer blanks");
    return PAA_DONE;
}

static enum paa_result read_instances(struct paa_op *op, const struct paa_options *arguments,
                                      struct record *record)
{
    enum paa_result result = read_words(op, arguments, "instance", record_instance_valid,
                                        RECORD_INSTANCES_MAX, &record->instances);

    if (result == PAA_DONE && record->instances.size == 0)
        record->instances = op->instance;
    return result;
}

enum paa_result grant_read(struct paa_op *op, const struct paa_options *arguments,
                           struct grant *ret_grant)
{
    struct record *record = &ret_grant->record;
    enum paa_result result;

    memset(ret_grant, 0, sizeof *ret_grant);
    result = read_texts(op, arguments, record);
    if (result == PAA_DONE)
        result = read_times(op, arguments, record);
    if (result == PAA_DONE)
        result = read_words(op, arguments, "scope", record_scope_valid, RECORD_SCOPE_MAX,
                            &record->scope);
    if (result == PAA_DONE)
        result = read_instances(op, arguments, record);
    if (result == PAA_DONE)
        result = read_networks(op, arguments, ret_grant);
    return result;
}
