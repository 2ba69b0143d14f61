/* SPDX-License-Identifier: MIT */
/*
 * API keys, in both directions: the plugin's tables and the life of an instance. key.h has the text form of
 * a key, record.h what is kept of it, apikey.h where.
 */
#include "apikey.h"

#include <stdlib.h>

enum { NETWORK_OF_CLIENT, NETWORK_OF_PEER }; /* the choices of network_of */

static const struct paa_option options[] = {
    { .name = "header",
      .type = PAA_OPTION_STRING,
      .help = "header field that carries the key; \"apikey\" if no other place is named" },
    { .name = "scheme",
      .type = PAA_OPTION_STRING,
      .help = "in place of header: the auth-scheme of the Authorization field, \"ApiKey\" say" },
    { .name = "cookie",
      .type = PAA_OPTION_STRING,
      .help = "in place of header: the cookie that carries the key" },
    { .name = "query",
      .type = PAA_OPTION_STRING,
      .help = "in place of header: the query parameter that carries the key; needs allow_query" },
    { .name = "allow_query",
      .type = PAA_OPTION_BOOLEAN,
      .fallback = "false",
      .help = "yes, keys may stand in URLs, and so in logs, histories and Referer fields" },
    { .name = "prefix",
      .type = PAA_OPTION_STRING,
      .fallback = "paa",
      .flags = PAA_OPTION_INCOMING,
      .help = "what keys that are minted begin with, for people and secret scanners" },
    { .name = "pepper",
      .type = PAA_OPTION_SECRET,
      .flags = PAA_OPTION_INCOMING,
      .help =
          "at least 16 bytes, kept apart from the store; imported keys under 22 characters need "
          "it, and are lost with it" },
    { .name = "network_of",
      .type = PAA_OPTION_CHOICE,
      .choices = "client|peer",
      .fallback = "client",
      .flags = PAA_OPTION_INCOMING,
      .help =
          "whose address a key's networks mean: the client as the host believes it, or the other "
          "end of the connection" },
    { .name = "key",
      .type = PAA_OPTION_SECRET,
      .flags = PAA_OPTION_REQUIRED | PAA_OPTION_OUTGOING,
      .help = "the key to send" },
    { .name = "value_prefix",
      .type = PAA_OPTION_STRING,
      .flags = PAA_OPTION_OUTGOING,
      .help = "with header: put before the key, with its blank: \"Token \"" },
};

/* ---- life ------------------------------------------------------------------------------------- */

/* A record like any other, so that a key without one costs the same; its digest is that of no key. */
static bool make_dummy(struct instance *self)
{
    static const unsigned char digest[DIGEST_SIZE];
    struct record record;
    struct buf buf;
    bool done;

    memset(&record, 0, sizeof record);
    record.digest = digest;
    record.id = STR("000000000000");
    record.client = STR("nobody");
    buf_init(&buf, sizeof self->dummy);
    done = record_encode(&record, &buf);
    if (done) {
        memcpy(self->dummy, buf.data, buf.size);
        self->dummy_size = buf.size;
    }
    buf_free(&buf);
    return done;
}

static enum paa_status open_tables(struct paa_op *op, struct instance *self)
{
    const uint32_t flags = PAA_TABLE_PLUGIN | PAA_TABLE_TRUSTED;
    enum paa_status status = op->host->store->open(op, "keys", flags, &self->keys);

    if (status == PAA_STATUS_OK)
        status = op->host->store->open(op, "key-index", flags | PAA_TABLE_RARE, &self->index);
    return status;
}

static enum paa_status fill(struct paa_op *op, struct instance *self)
{
    const struct paa_host_options *options_of = op->host->options;
    bool only_sends =
        (op->flags & PAA_OP_USED_OUTGOING) != 0 && (op->flags & PAA_OP_USED_INCOMING) == 0;
    enum paa_status status = place_create(op, &self->place, !only_sends);

    if (status != PAA_STATUS_OK)
        return status;
    self->key = options_of->source(op->options, "key", 0);
    self->pepper = options_of->source(op->options, "pepper", 0);
    self->judges_peer = options_of->number(op->options, "network_of", 0) == NETWORK_OF_PEER;
    self->prefix = paa_option_string(op, "prefix");
    if (!key_prefix_valid(self->prefix))
        return options_of->refuse(op->options, "prefix",
                                  STR("a prefix has 1 to 24 of the characters 0-9, A-Z, a-z and _, "
                                      "and does not begin with _"));
    if (!make_dummy(self))
        return PAA_STATUS_UNAVAILABLE;
    return only_sends ? PAA_STATUS_OK : open_tables(op, self);
}

static enum paa_status create(struct paa_op *op, void **ret_self)
{
    struct instance *self = (struct instance *)calloc(1, sizeof *self);
    enum paa_status status;

    if (self == NULL)
        return PAA_STATUS_UNAVAILABLE;
    status = fill(op, self);
    if (status != PAA_STATUS_OK) {
        free(self);
        return status;
    }
    *ret_self = self;
    return PAA_STATUS_OK;
}

static void destroy(void *self)
{
    free(self);
}

static enum paa_status lane_init(void *memory, const void *self)
{
    struct lane *lane = (struct lane *)memory;

    (void)self;
    return digest_lane_init(&lane->digest) ? PAA_STATUS_OK : PAA_STATUS_UNAVAILABLE;
}

static void lane_done(void *memory, const void *self)
{
    struct lane *lane = (struct lane *)memory;

    (void)self;
    digest_lane_done(&lane->digest);
}

static const struct paa_plugin plugin = {
    .abi = PAA_ABI,
    .struct_size = sizeof plugin,
    .name = "apikey",
    .version = "1.0",
    .summary = "API keys: minted and checked against a store, or sent",
    .options = PAA_ROWS(options),
    .verbs = apikey_verbs,
    .verb_count = APIKEY_VERB_COUNT,
    .verb_size = sizeof(struct paa_verb),
    .state_size = VERIFY_STATE_SIZE,
    .lane_size = sizeof(struct lane),
    .create = create,
    .destroy = destroy,
    .lane_init = lane_init,
    .lane_done = lane_done,
    .verify = apikey_verify,
    .attach = apikey_attach,
    .challenge = apikey_challenge,
    .answered = apikey_answered,
};

PAA_PLUGIN(apikey, plugin);
