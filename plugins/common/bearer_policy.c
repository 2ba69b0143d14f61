/* SPDX-License-Identifier: MIT */
/*
 * What a policy says of tokens that come in, held against what it names and against itself: keys that can verify nothing
 * are refused, what has no effect is told. What keys become later is bearer_keys.c's.
 */
#include "bearer_inner.h"

enum { SENTENCE_SIZE = 192 };

/* ---- keys --------------------------------------------------------------------------------------- */

/* Why the first key of a set is not used, for the sentence that says so of all of them. */
static void note_first(size_t index, struct paa_str kid, const char *why, void *context)
{
    (void)kid;
    if (index == 0)
        *(const char **)context = why;
}

static enum paa_status check_set(struct paa_op *op, const struct paa_options *options,
                                 const struct paa_source *file)
{
    struct paa_bytes text = op->host->sources->read(op, file, 0);
    const char *why = NULL, *first = NULL;
    char sentence[SENTENCE_SIZE];
    struct jwk_set *set;

    if (text.data == NULL)
        return PAA_STATUS_OK;
    if (op->host->sources->read(op, file, 1).data != NULL)
        return op->host->options->refuse(options, "jwks_file", STR("it must be a single file"));
    set = jwk_set_read(text, 0, note_first, &first, &why);
    jwk_set_free(set);
    if (set != NULL)
        return PAA_STATUS_OK;
    (void)snprintf(sentence, sizeof sentence,
                   "the file %s%s%s; it must be a set of JSON Web Keys (RFC 7517)", why,
                   first != NULL ? ": the first one " : "", first != NULL ? first : "");
    return op->host->options->refuse(options, "jwks_file", paa_str_of(sentence));
}

static enum paa_status check_secret(struct paa_op *op, const struct paa_options *options,
                                    const struct paa_source *source)
{
    const struct paa_host_options *host = op->host->options;
    struct paa_bytes secret = op->host->sources->read(op, source, 0);
    size_t count = host->count(options, "algorithms");
    char sentence[SENTENCE_SIZE];

    if (secret.data == NULL)
        return PAA_STATUS_OK;
    if (secret.size < BEARER_SECRET_MIN)
        return host->refuse(options, "secret",
                            STR("it has fewer than 32 bytes, and could be guessed: agree on a "
                                "longer one with the issuer"));
    if (secret.size > JWK_SECRET_MAX)
        return host->refuse(options, "secret", STR("it has more than 1024 bytes"));
    for (size_t i = 0; i < count; i++) {
        const struct alg_row *row = alg_row(alg_of(host->string(options, "algorithms", i)));

        if (secret.size >= row->hash_size)
            continue;
        (void)snprintf(sentence, sizeof sentence,
                       "%.*s needs a secret of %u bytes or more (RFC 7518 3.2): leave it out, or "
                       "agree on a longer one with the issuer",
                       STR_ARGS(row->name), (unsigned)row->hash_size);
        return host->refuse(options, "algorithms", paa_str_of(sentence));
    }
    return PAA_STATUS_OK;
}

enum paa_status bearer_check_keys(struct paa_op *op, const struct paa_options *options)
{
    const struct paa_source *file = op->host->options->source(options, "jwks_file", 0);
    const struct paa_source *secret = op->host->options->source(options, "secret", 0);

    if (file != NULL)
        return check_set(op, options, file);
    return secret != NULL ? check_secret(op, options, secret) : PAA_STATUS_OK;
}

/* ---- what has no effect ------------------------------------------------------------------------- */

static enum paa_status warn_of(struct paa_op *op, const struct paa_options *options,
                               const char *const *names, size_t count, const char *why)
{
    enum paa_status status = PAA_STATUS_OK;
    char sentence[SENTENCE_SIZE];

    (void)snprintf(sentence, sizeof sentence, "has no effect: %s", why);
    for (size_t i = 0; i < count && status == PAA_STATUS_OK; i++)
        if (op->host->options->count(options, names[i]) > 0)
            status = op->host->options->warn(options, names[i], paa_str_of(sentence));
    return status;
}

/* Of the instance, or of each of its issuers. */
static enum paa_status warn_of_keys(struct paa_op *op)
{
    static const char *const names[] = { "jwks_uri", "jwks_file", "secret", "algorithms" };
    static const char why[] =
        "with token = \"introspection\" the issuer is asked, and no signature is verified";
    const struct paa_host_options *host = op->host->options;
    size_t count = host->count(op->options, "issuers");
    enum paa_status status = warn_of(op, op->options, names, sizeof names / sizeof names[0], why);

    for (size_t i = 0; i < count && status == PAA_STATUS_OK; i++)
        status = warn_of(op, host->group(op->options, "issuers", i), names,
                         sizeof names / sizeof names[0], why);
    return status;
}

static enum paa_status warn_of_asking(struct paa_op *op)
{
    static const char *const names[] = { "introspection_endpoint", "introspection_lifetime" };

    return warn_of(op, op->options, names, sizeof names / sizeof names[0],
                   "with token = \"jwt\" nobody is asked");
}

enum paa_status bearer_warn(struct paa_op *op, const struct bearer *bearer,
                            const struct oauth_client *client, bool has_logins)
{
    enum paa_status status = PAA_STATUS_OK;

    if ((op->flags & PAA_OP_USED_INCOMING) != 0 && bearer->token == BEARER_JWT)
        status = warn_of_asking(op);
    if ((op->flags & PAA_OP_USED_INCOMING) != 0 && bearer->token == BEARER_INTROSPECTION &&
        !has_logins)
        status = warn_of_keys(op);
    if (status != PAA_STATUS_OK)
        return status;
    if (client != NULL)
        return oauth_client_warn(op, client);
    return (op->flags & PAA_OP_USED_INCOMING) != 0
               ? oauth_client_warn_of_none(op, "with token = \"jwt\" nobody is asked")
               : PAA_STATUS_OK;
}
