/* SPDX-License-Identifier: MIT */
/* Verbs as a host program runs them, and API keys minted and revoked by them. */
#ifndef TESTS_HOST_KEYS_H
#define TESTS_HOST_KEYS_H

#include "host.h"

struct host_output {
    char text[4096];
    size_t size;
};

static inline void host_write_output(const char *data, size_t size, void *user)
{
    struct host_output *output = user;

    if (output->size + size < sizeof output->text) {
        memcpy(output->text + output->size, data, size);
        output->size += size;
        output->text[output->size] = '\0';
    }
}

/* The exit status; what it said as JSON lines. argument NULL: none. */
static inline int host_run(struct host *host, const char *instance, const char *verb,
                           const char *argument, struct host_output *ret_output)
{
    struct paa_command command;

    memset(ret_output, 0, sizeof *ret_output);
    paa_init(&command, sizeof command);
    command.flags = PAA_COMMAND_JSON;
    command.instance = instance;
    command.verb = verb;
    command.arguments = &argument;
    command.argument_count = argument != NULL;
    command.write_fn = host_write_output;
    command.user = ret_output;
    return paa_context_run(host->context, &command, &host->error);
}

/* The value of a JSON member that is plain text. */
static inline bool json_value(const char *json, const char *name, char *ret_value, size_t size)
{
    char start[32];
    const char *at, *end;

    (void)snprintf(start, sizeof start, "\"%s\":\"", name);
    at = strstr(json, start);
    end = at != NULL ? strchr(at + strlen(start), '"') : NULL;
    if (end == NULL || (size_t)(end - at) - strlen(start) >= size)
        return false;
    (void)snprintf(ret_value, size, "%.*s", (int)(end - at - (long)strlen(start)),
                   at + strlen(start));
    return true;
}

struct host_key {
    char id[16];
    char text[160];
    char line[200]; /* "X-Api-Key: …" */
};

/* A key of the instance "keys", whose header is X-Api-Key. */
static inline bool host_mint(struct host *host, const char *client, struct host_key *ret_key)
{
    struct host_output output;
    char argument[80];

    (void)snprintf(argument, sizeof argument, "client=%s", client);
    if (host_run(host, "keys", "mint", argument, &output) != 0 ||
        !json_value(output.text, "id", ret_key->id, sizeof ret_key->id) ||
        !json_value(output.text, "key", ret_key->text, sizeof ret_key->text)) {
        fprintf(stderr, "mint: %s%s\n", host->error.text, output.text);
        return false;
    }
    (void)snprintf(ret_key->line, sizeof ret_key->line, "X-Api-Key: %s", ret_key->text);
    return true;
}

static inline bool host_revoke(struct host *host, const struct host_key *key)
{
    struct host_output output;
    char argument[80];

    (void)snprintf(argument, sizeof argument, "id=%s", key->id);
    return host_run(host, "keys", "revoke", argument, &output) == 0;
}

#endif
